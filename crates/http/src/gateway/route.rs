//! Which requests are the gateway's: `/g/{integrationID}/{endpoint}` on any host, and every path but the management's
//! on the hosts `{integrationID}.{endpoint}.<domain>`.

use http::{HeaderMap, header};
use tollgate_domain::{EventKind, IntegrationId};

/// What is asked of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// One event.
    Single(EventKind),
    /// A late word about a conversion.
    Rejection,
    /// Many events, NDJSON.
    Events,
    /// An impression that is always answered with the image.
    Pixel,
    /// The script for pages.
    Collector,
}

impl Endpoint {
    /// Whether scripts of other sites' pages speak to it.
    pub(super) fn is_for_pages(self) -> bool {
        matches!(self, Self::Pixel | Self::Collector | Self::Single(EventKind::Impression))
    }
}

/// A request's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The integration, `None` when the id is not one.
    pub integration: Option<IntegrationId>,
    /// The endpoint.
    pub endpoint: Endpoint,
}

impl Route {
    /// The route of a path on a host; `None` when it is not the gateway's.
    pub fn of(path: &str, headers: &HeaderMap, domain: Option<&str>) -> Option<Self> {
        Self::at(path, headers.get(header::HOST).and_then(|host| host.to_str().ok()), domain)
    }

    /// The same, the host being known.
    pub(super) fn at(path: &str, host: Option<&str>, domain: Option<&str>) -> Option<Self> {
        if let Some(rest) = path.strip_prefix("/g/") {
            let (integration, endpoint) = rest.split_once('/')?;
            let endpoint = match endpoint.trim_end_matches('/') {
                "click" => Endpoint::Single(EventKind::Click),
                "postback" => Endpoint::Single(EventKind::Conversion),
                "impression" => Endpoint::Single(EventKind::Impression),
                "rejection" => Endpoint::Rejection,
                "events" => Endpoint::Events,
                "pixel.gif" => Endpoint::Pixel,
                "collector.js" => Endpoint::Collector,
                _ => return None,
            };
            return Some(Self { integration: integration.parse().ok(), endpoint });
        }
        Self::of_host(host?, path, domain?)
    }

    fn of_host(host: &str, path: &str, domain: &str) -> Option<Self> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
        let label = name.strip_suffix(domain)?.strip_suffix('.')?;
        let (integration, endpoint) = label.rsplit_once('.')?;
        let endpoint = match endpoint {
            "clicks" => Endpoint::Single(EventKind::Click),
            "postbacks" => Endpoint::Single(EventKind::Conversion),
            "imp" => Endpoint::Single(EventKind::Impression),
            "rejections" => Endpoint::Rejection,
            _ => return None,
        };
        let endpoint = match (path, endpoint) {
            ("/events", _) => Endpoint::Events,
            ("/pixel.gif", Endpoint::Single(EventKind::Impression)) => Endpoint::Pixel,
            ("/collector.js", Endpoint::Single(EventKind::Impression)) => Endpoint::Collector,
            (_, endpoint) => endpoint,
        };
        Some(Self { integration: integration.parse().ok(), endpoint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, host: &str) -> Option<Route> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        Route::of(path, &headers, Some("gate.example"))
    }

    #[test]
    fn paths_and_hosts_name_the_endpoint() {
        let id = "abcdefghij".parse().ok();
        let click = Route { integration: id, endpoint: Endpoint::Single(EventKind::Click) };
        assert_eq!(of("/g/abcdefghij/click", "any"), Some(click));
        assert_eq!(of("/", "abcdefghij.clicks.gate.example:8080"), Some(click));
        assert_eq!(of("/x", "ABCDEFGHIJ.clicks.GATE.example"), Some(click));
        let events = Route { integration: id, endpoint: Endpoint::Events };
        assert_eq!(of("/g/abcdefghij/events", "any"), Some(events));
        let pixel = Route { integration: id, endpoint: Endpoint::Pixel };
        assert_eq!(of("/g/abcdefghij/pixel.gif", "any"), Some(pixel));
        assert_eq!(of("/pixel.gif", "abcdefghij.imp.gate.example"), Some(pixel));
        assert_eq!(of("/pixel.gif", "abcdefghij.clicks.gate.example"), Some(click));
        let collector = Route { integration: id, endpoint: Endpoint::Collector };
        assert_eq!(of("/g/abcdefghij/collector.js", "any"), Some(collector));
        assert_eq!(of("/collector.js", "abcdefghij.imp.gate.example"), Some(collector));
        let rejection = Route { integration: id, endpoint: Endpoint::Rejection };
        assert_eq!(of("/g/abcdefghij/rejection", "any"), Some(rejection));
        assert_eq!(of("/any", "abcdefghij.rejections.gate.example"), Some(rejection));
        assert_eq!(of("/g/nope/click", "any").map(|route| route.integration), Some(None));
    }

    #[test]
    fn everything_else_is_the_routers() {
        for (path, host) in [
            ("/api/v2/integrations", "any"),
            ("/g/abcdefghij", "any"),
            ("/g/abcdefghij/x", "any"),
            ("/", "gate.example"),
            ("/", "a.b.gate.example"),
            ("/", "abcdefghij.clicks.other"),
        ] {
            assert_eq!(of(path, host), None, "{path} {host}");
        }
    }
}
