//! Absolute `http` and `https` URLs, read the same way wherever one comes from outside: settings, links and the targets
//! that callers name. What browsers would read in ways of their own is none.

use std::net::Ipv6Addr;

/// A legal URL, taken apart as far as anyone here asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebAddress<'a> {
    /// The host as it is written, without the port.
    pub host: &'a str,
    /// Where the host and its port end: path, query and fragment follow.
    pub tail: usize,
}

const WRONG: &str = "must be an absolute http or https URL";

/// Reads a URL. Macros (see [`crate::Template`]) may stand anywhere but in the host.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn parse(text: &str) -> Result<WebAddress<'_>, &'static str> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(WRONG);
    }
    let is_scheme =
        |scheme: &&str| text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    let start = ["https://", "http://"].iter().find(|scheme| is_scheme(scheme)).ok_or(WRONG)?.len();
    let rest = &text[start..];
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if authority.contains(['{', '}', '$']) {
        return Err("must not have a macro in its host");
    }
    if authority.contains('@') {
        return Err("must not hold a user name or password");
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let digits = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    let port_is_legal = port.is_none_or(|p| digits(p) && p.parse::<u16>().is_ok_and(|port| port > 0));
    let host_is_legal = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => is_host_name(host),
    };
    if port_is_legal && host_is_legal {
        Ok(WebAddress { host, tail: start + authority.len() })
    } else {
        Err(WRONG)
    }
}

/// Whether this is a host's name, or an IPv4 address.
pub fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=253).contains(&text.len()) && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_its_host_and_its_tail() {
        for (text, host, tail) in [
            ("https://example.com", "example.com", ""),
            ("http://example.com:8080/a?tx={transaction_id}#x", "example.com", "/a?tx={transaction_id}#x"),
            ("HTTPS://Example.com?{offer}", "Example.com", "?{offer}"),
            ("http://[::1]:80/", "[::1]", "/"),
            ("http://127.0.0.1/@", "127.0.0.1", "/@"),
        ] {
            let address = parse(text).unwrap();
            assert_eq!((address.host, &text[address.tail..]), (host, tail));
        }
    }

    #[test]
    fn what_browsers_read_in_their_own_ways_is_none() {
        for text in [
            "",
            "example.com",
            "//example.com",
            "ftp://example.com",
            "javascript:alert(1)",
            "https://{host}/",
            "https://${host}/",
            "https://[host]/",
            "https://[host].example/",
            "https://a@b/",
            "https://good.example:80@evil.example/",
            "https://good.example:80:80/",
            "https://good.example:+80/",
            "https://good.example:/",
            "https://good.example\\@evil.example",
            "https://",
            "https:///x",
            "https://exa mple.com",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://example..com/",
            "https://example.com./",
            "https:\\\\example.com",
            "https://[::1/",
            "httpä://x",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
