//! Where a user goes: which address, its macros, and whether the caller may name it.

use tollgate_domain::{Event, Integration, Invalid, Macros, Template, Text, web_address};
use tollgate_intake::Wishes;

/// Longest address a user is sent to, in bytes.
pub(super) const MAX_LOCATION: usize = 8 << 10;

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

/// Writes where the judged click goes into its row: the offer when it counts, else the fallback. An address that its
/// macros make longer than [`MAX_LOCATION`] is none.
pub(super) fn set(event: &mut Event, wishes: &Wishes, integration: &Integration) {
    let link = event.text(Text::UrlId).and_then(|id| integration.links.iter().find(|link| link.url_id == id));
    let template = if event.is_enforced_rejection() {
        let own = link.and_then(|link| link.fallback_url.as_deref());
        own.or(integration.fallback_url.as_deref()).or(integration.preview_url.as_deref())
    } else {
        let own = link.and_then(|link| link.redirect_url.as_deref());
        wishes.redirect_url.as_deref().or(own).or(integration.redirect_url.as_deref())
    };
    let template = template.and_then(|template| Template::url(template).ok());
    let url = template.and_then(|template| template.expand_with_extra(&Macros::of(event), MAX_LOCATION));
    if let Some(url) = url {
        event.set_text(Text::RedirectedTo, &url);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_domain::EventKind;

    #[test]
    fn an_address_that_grows_too_long_is_none() {
        let mut event = Event::new(EventKind::Click, "abcdefghij".parse().unwrap());
        let url = format!("https://a.example/{}", "{referer}".repeat(400));
        let wishes = Wishes { redirect_url: Some(url), ..Wishes::default() };
        set(&mut event, &wishes, &integration());
        assert!(event.text(Text::RedirectedTo).is_some());
        event.clear_text(Text::RedirectedTo);
        event.set_text(Text::Referer, &"ä".repeat(1000));
        set(&mut event, &wishes, &integration());
        assert_eq!(event.text(Text::RedirectedTo), None);
    }

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
            links: Vec::new(),
            offer_groups: Vec::new(),
        }
    }
}
