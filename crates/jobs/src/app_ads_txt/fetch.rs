//! Getting the file of a domain, as the format asks crawlers to.

use tollgate_domain::app_ads::AppAds;
use tollgate_outbound::{Fetched, Outbound};

/// What a domain answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Page {
    /// The file.
    Text(String),
    /// There is none, with what was answered instead.
    None(String),
    /// Nobody can tell, with the reason.
    Unreachable(String),
}

/// Where the file of a domain is.
pub(super) fn url(domain: &str) -> String {
    format!("https://{domain}/app-ads.txt")
}

/// Fetches the file of `domain`.
pub(super) async fn fetch(outbound: &Outbound, domain: &str) -> Page {
    match outbound.get(&url(domain)).await {
        Ok(fetched) => read(domain, &fetched),
        Err(error) => Page::Unreachable(error.to_string()),
    }
}

fn read(domain: &str, fetched: &Fetched) -> Page {
    // A redirect may leave the domain once, so that a file can lie with a partner; who is sent on from there has left
    // the hands of the domain's owner.
    let hosts = fetched.urls.iter().filter_map(|url| url.host_str());
    if hosts.filter(|host| !is_within(host, domain)).count() > 1 {
        return Page::Unreachable(format!("{domain} redirects to more than one other domain"));
    }
    let status = fetched.status.as_u16();
    match status {
        200..=299 => {}
        400..=499 if !matches!(status, 408 | 425 | 429) => {
            return Page::None(format!("{domain} answers {status}"));
        }
        _ => return Page::Unreachable(format!("{domain} answers {status}")),
    }
    let text = String::from_utf8_lossy(&fetched.body);
    // Many servers answer a web page where there is no file.
    let kind = fetched.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_page = kind.trim_start().to_ascii_lowercase().starts_with("text/html");
    if (is_page || text.trim_start().starts_with('<')) && AppAds::read(&text, &[]).records == 0 {
        return Page::None(format!("{domain} answers a web page"));
    }
    Page::Text(text.into_owned())
}

/// Whether a host is the domain or belongs to it.
fn is_within(host: &str, domain: &str) -> bool {
    let (host, domain) = (host.to_ascii_lowercase(), domain.to_ascii_lowercase());
    host.strip_suffix(&domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_belongs_to_a_domain_by_whole_labels() {
        for host in ["dev.example", "DEV.example", "www.dev.example", "a.b.dev.example"] {
            assert!(is_within(host, "dev.example"), "{host}");
        }
        for host in ["evildev.example", "example", "dev.example.net", "other.example"] {
            assert!(!is_within(host, "dev.example"), "{host}");
        }
    }
}
