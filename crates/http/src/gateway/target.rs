//! Whether a caller may name where the user goes.

use tollgate_domain::{Integration, Invalid, web_address};
use tollgate_intake::Wishes;

/// Refuses a redirect to a host that the integration does not allow.
pub(super) fn check(integration: &Integration, wishes: &Wishes) -> Result<(), Invalid> {
    let Some(url) = &wishes.redirect_url else { return Ok(()) };
    let refuse = |message: &str| Err(Invalid::new("redirect_url", message));
    let host = match web_address::parse(url) {
        Ok(address) => address.host.to_ascii_lowercase(),
        Err(message) => return refuse(message),
    };
    let allowed = integration.allowed_hosts.iter().any(|allowed| match allowed.strip_prefix("*.") {
        Some(domain) => {
            host.strip_suffix(domain).is_some_and(|label| label.len() > 1 && label.ends_with('.'))
        }
        None => *allowed == host,
    });
    if allowed {
        Ok(())
    } else {
        refuse("points at a host that is not among the integration's allowed_hosts")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_names_allowed_hosts_only() {
        let integration =
            Integration { allowed_hosts: vec!["good.example".into(), "*.b.example".into()], ..integration() };
        let check = |url: &str| {
            check(&integration, &Wishes { redirect_url: Some(url.into()), ..Wishes::default() }).is_ok()
        };
        for url in ["https://Good.example/", "http://good.example:8080?x", "https://a.b.example/"] {
            assert!(check(url), "{url}");
        }
        for url in [
            "https://good.example:80@evil.example/",
            "https://good.example:@evil.example/",
            "https://b.example/",
            "https://evil.example/#good.example",
            "https://evilgood.example/",
        ] {
            assert!(!check(url), "{url}");
        }
    }

    fn integration() -> Integration {
        Integration {
            id: "abcdefghij".parse().unwrap(),
            organization: "0123456789abcdef01234567".parse().unwrap(),
            name: "i".into(),
            active: true,
            monitoring_mode: false,
            rtb_enabled: false,
            rtb_endpoint: None,
            rtb_tmax_ms: None,
            time_zone: "UTC".into(),
            redirect_url: None,
            fallback_url: None,
            preview_url: None,
            allowed_hosts: Vec::new(),
            trust: tollgate_domain::Trust::default(),
            trusted_sources: Vec::new(),
            ip_privacy: tollgate_domain::IpPrivacy::default(),
            retention_days: None,
            click_retention_days: None,
            conversion_retention_days: None,
            impression_retention_days: None,
            links: Vec::new(),
            offer_groups: Vec::new(),
        }
    }
}
