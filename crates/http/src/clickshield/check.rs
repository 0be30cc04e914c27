//! Values with a syntax: URLs with macros, host patterns, address ranges, time zones.

use ipnet::IpNet;
use std::net::IpAddr;

/// An absolute `http` or `https` URL. Macros in braces may stand anywhere but in the host.
pub(super) fn url(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "must be an absolute http or https URL";
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(WRONG);
    }
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    let length = if lower.starts_with("https://") {
        8
    } else if lower.starts_with("http://") {
        7
    } else {
        return Err(WRONG);
    };
    let rest = &text[length..];
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains(['{', '}']) {
        return Err("must not have a macro in its host");
    }
    if authority.contains('@') {
        return Err("must not hold a user name or password");
    }
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) if !authority.ends_with(']') => (name, Some(port)),
        _ => (authority, None),
    };
    let port_is_legal = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let host_is_legal = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host_name(name),
    };
    if port_is_legal && host_is_legal { Ok(text.to_owned()) } else { Err(WRONG) }
}

/// A host name, or `*.` and one, in lower case.
pub(super) fn host_pattern(text: &str) -> Result<String, &'static str> {
    let lower = text.to_ascii_lowercase();
    if host_name(lower.strip_prefix("*.").unwrap_or(&lower)) {
        Ok(lower)
    } else {
        Err("must be a host name such as example.com or *.example.com")
    }
}

fn host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=253).contains(&text.len()) && text.split('.').all(label)
}

/// An address or a range of addresses, as CIDR.
pub(super) fn address_range(text: &str) -> Result<String, &'static str> {
    let range = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse().map_err(|_| "must be an address or a range such as 192.0.2.0/24")?,
    };
    Ok(range.trunc().to_string())
}

/// An IANA time zone.
pub(super) fn time_zone(text: &str) -> Result<String, &'static str> {
    let zone =
        jiff::tz::TimeZone::get(text).map_err(|_| "must be an IANA time zone such as Europe/Berlin")?;
    Ok(zone.iana_name().unwrap_or(text).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_may_have_macros_but_not_in_the_host() {
        for text in [
            "https://example.com",
            "http://example.com:8080/a?tx={transaction_id}#x",
            "HTTPS://Example.com/{offer}",
            "http://[::1]:80/",
            "http://127.0.0.1/",
        ] {
            assert_eq!(url(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "example.com",
            "//example.com",
            "ftp://example.com",
            "javascript:alert(1)",
            "https://{host}/",
            "https://a@b/",
            "https://",
            "https://exa mple.com",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://example..com/",
            "https:\\\\example.com",
            "https://[::1/",
            "httpä://x",
        ] {
            assert!(url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hosts_ranges_and_zones() {
        assert_eq!(host_pattern("*.Example.COM").as_deref(), Ok("*.example.com"));
        for text in ["", "*", "*.", "a b", "-a.com", "http://a.com", "a..b"] {
            assert!(host_pattern(text).is_err(), "{text}");
        }
        assert_eq!(address_range("192.0.2.7").as_deref(), Ok("192.0.2.7/32"));
        assert_eq!(address_range("192.0.2.7/24").as_deref(), Ok("192.0.2.0/24"));
        assert_eq!(address_range("2001:db8::/32").as_deref(), Ok("2001:db8::/32"));
        assert!(address_range("192.0.2.0/33").is_err());
        assert_eq!(time_zone("Europe/Berlin").as_deref(), Ok("Europe/Berlin"));
        assert!(time_zone("Mars/Olympus").is_err());
        assert!(time_zone("").is_err());
    }
}
