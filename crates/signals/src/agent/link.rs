//! The address of its maker in a user agent: automata of good manners carry one, browsers do not.

/// Texts with an address that real browsers carry (embedded controls, toolbars, anonymity proxies' front ends).
const HARMLESS: &[&str] =
    &["bsalsa", "avantbrowser", "maxthon", "w3.org", "tencent", "samsung", "microsoft.com/en-us/windows"];

/// The host of the first link or mail address, if there is one.
pub(super) fn find(agent: &str) -> Option<&str> {
    let rest = ["http://", "https://", "www."].iter().find_map(|scheme| {
        let at = agent.find(scheme)?;
        Some(&agent[at + if *scheme == "www." { 0 } else { scheme.len() }..])
    });
    let host = match rest {
        Some(rest) => {
            &rest[..rest
                .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-'))
                .unwrap_or(rest.len())]
        }
        None => mail_host(agent)?,
    };
    let host = host.trim_start_matches("www.").trim_end_matches('.');
    let lower = agent.to_ascii_lowercase();
    (!HARMLESS.iter().any(|known| lower.contains(known))).then_some(if host.is_empty() {
        "link"
    } else {
        host
    })
}

/// `help@moz.com`: letters, an at sign, and a host with a dot.
fn mail_host(agent: &str) -> Option<&str> {
    let at = agent.find('@')?;
    let before = agent[..at].chars().next_back()?;
    let rest = &agent[at + 1..];
    let host = &rest
        [..rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-')).unwrap_or(rest.len())];
    (before.is_ascii_alphanumeric() && host.trim_end_matches('.').contains('.')).then_some(host)
}
