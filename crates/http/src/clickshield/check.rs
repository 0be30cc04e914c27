//! Values with a syntax: URLs with macros, host patterns, address ranges, time zones.

use ipnet::IpNet;
use std::net::IpAddr;
use tollgate_domain::web_address;

/// An absolute `http` or `https` URL. Macros may stand anywhere but in the host.
pub(super) fn url(text: &str) -> Result<String, &'static str> {
    web_address::parse(text).map(|_| text.to_owned())
}

/// A host name, or `*.` and one, in lower case.
pub(super) fn host_pattern(text: &str) -> Result<String, &'static str> {
    let lower = text.to_ascii_lowercase();
    if web_address::is_host_name(lower.strip_prefix("*.").unwrap_or(&lower)) {
        Ok(lower)
    } else {
        Err("must be a host name such as example.com or *.example.com")
    }
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
