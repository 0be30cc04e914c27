//! Whether a URL that is to be kept may be asked for later, as far as it tells by itself. Names are looked up when they
//! are connected to, and checked again then.

use crate::address::Rules;
use crate::client::Options;
use std::net::{IpAddr, Ipv4Addr};
use url::{Host, Url};

/// What the operator lets be connected to.
#[derive(Debug, Clone)]
pub struct Destinations {
    rules: Rules,
    plain_http: bool,
}

impl From<&Options> for Destinations {
    fn from(options: &Options) -> Self {
        Self { rules: Rules::new(options.allow.clone()), plain_http: options.plain_http }
    }
}

impl Destinations {
    /// Whether `url` may be asked for. What follows its host is not looked at: it may hold macros.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn check(&self, url: &str) -> Result<(), String> {
        let host = Url::parse(front(url)).map_err(|_| "must be an absolute http or https URL")?;
        if host.scheme() != "https" && !self.plain_http {
            return Err("must be https; the operator can allow http with outbound_plain_http".to_owned());
        }
        let address = match host.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            // What every system takes for itself (RFC 6761, 6.3).
            Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => {
                Some(IpAddr::V4(Ipv4Addr::LOCALHOST))
            }
            _ => None,
        };
        match address.and_then(|address| self.rules.refusal(address)) {
            Some(network) => Err(format!("leads to an address that is not connected to ({network})")),
            None => Ok(()),
        }
    }
}

/// A URL up to the end of its host and port.
fn front(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let length = url[authority..].find(['/', '?', '#']).unwrap_or(url.len() - authority);
    &url[..authority + length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_front() {
        for (url, expected) in [
            ("https://a.example", "https://a.example"),
            ("https://a.example:8443/p?x={a}", "https://a.example:8443"),
            ("http://[::1]?x", "http://[::1]"),
            ("HTTPS://A.example#x://y", "HTTPS://A.example"),
        ] {
            assert_eq!(front(url), expected);
        }
    }

    #[test]
    fn the_operator_says_what_is_connected_to_besides_the_public_internet() {
        let usual = Destinations::from(&Options::default());
        let allowed =
            Options { allow: vec!["127.0.0.0/8".parse().unwrap()], plain_http: true, ..Options::default() };
        let allowed = Destinations::from(&allowed);
        assert!(usual.check("https://bidder.example:8443/bid?x=1").is_ok());
        for url in ["https://127.0.0.1/", "https://LOCALHOST/", "https://a.localhost:1/", "http://a.example/"]
        {
            assert!(usual.check(url).is_err(), "{url}");
            assert!(allowed.check(url).is_ok(), "{url}");
        }
        for url in ["https://10.0.0.1/", "https://[::1]/", "ftp:", ""] {
            assert!(usual.check(url).is_err(), "{url}");
        }
        for url in ["https://10.0.0.1/", "https://169.254.169.254/x"] {
            assert!(allowed.check(url).unwrap_err().starts_with("leads to an address"), "{url}");
        }
    }
}
