//! Where a user goes: which address, its macros, and whether the caller may name it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tollgate_domain::{Column, Event, Integration, Invalid, Status, Text};
use tollgate_intake::Wishes;

/// What stays as it is inside a query value.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Refuses a redirect to a host that the integration does not allow.
pub(super) fn check(integration: &Integration, wishes: &Wishes) -> Result<(), Invalid> {
    let Some(url) = &wishes.redirect_url else { return Ok(()) };
    let refuse = |message: &str| Err(Invalid::new("redirect_url", message));
    let Some(host) = host(url) else {
        return refuse("must be an absolute http or https URL with a plain host");
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

/// The lower-case host of an absolute URL without user information. Back-slashes and control characters, which
/// browsers read in their own ways, make it none.
fn host(url: &str) -> Option<String> {
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let head = url.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| &url[scheme.len()..])
    })?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let name = authority.rsplit_once(':').map_or(authority, |(name, _)| name);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let odd = |c: char| c == '\\' || c <= ' ' || c == '\u{7f}';
    (!name.is_empty() && name.chars().all(plain) && !url.chars().any(odd)).then(|| name.to_ascii_lowercase())
}

/// Writes where the judged click goes into its row: the offer when it counts, else the fallback.
pub(super) fn set(event: &mut Event, wishes: &Wishes, integration: &Integration) {
    let enforced =
        event.status() == Some(Status::Rejected) && !event.flag(tollgate_domain::Number::MonitoringMode);
    let link = event.text(Text::UrlId).and_then(|id| integration.links.iter().find(|link| link.url_id == id));
    let template = if enforced {
        let own = link.and_then(|link| link.fallback_url.as_deref());
        own.or(integration.fallback_url.as_deref()).or(integration.preview_url.as_deref())
    } else {
        let own = link.and_then(|link| link.redirect_url.as_deref());
        wishes.redirect_url.as_deref().or(own).or(integration.redirect_url.as_deref())
    };
    if let Some(template) = template {
        let url = expand(template, event);
        event.set_text(Text::RedirectedTo, &url);
    }
}

/// Fills in the macros `{name}` behind the host, percent-encoded; extra parameters that no macro named are added to the
/// query.
fn expand(template: &str, event: &Event) -> String {
    let path = template.find("://").map_or(0, |scheme| {
        let after = scheme + 3;
        template[after..].find(['/', '?', '#']).map_or(template.len(), |end| after + end)
    });
    let extra: serde_json::Map<String, serde_json::Value> = event
        .text(Text::ExtraParameters)
        .and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default();
    let mut url = template[..path].to_owned();
    let mut used = Vec::new();
    let mut rest = &template[path..];
    while let Some((before, after)) = rest.split_once('{') {
        url.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            url.push('{');
            rest = after;
            continue;
        };
        used.push(name);
        url.extend(utf8_percent_encode(&value(name, event, &extra), UNRESERVED));
        rest = tail;
    }
    url.push_str(rest);
    for (name, given) in extra.iter().filter(|(name, _)| !used.contains(&name.as_str())) {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.extend(utf8_percent_encode(name, UNRESERVED));
        url.push('=');
        url.extend(utf8_percent_encode(&text_of(given), UNRESERVED));
    }
    url
}

fn value(name: &str, event: &Event, extra: &serde_json::Map<String, serde_json::Value>) -> String {
    match name {
        "transaction_id" | "real_tx_id" => event.id.to_string(),
        "offer" => event.text_or_empty(Text::OfferId).to_owned(),
        _ => match (Column::from_name(name), extra.get(name)) {
            (Some(Column::Text(column)), _) => event.text_or_empty(column).to_owned(),
            (Some(Column::Number(column)), _) => {
                event.number(column).map_or_else(String::new, |n| n.to_string())
            }
            (None, Some(given)) => text_of(given),
            (None, None) => String::new(),
        },
    }
}

fn text_of(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_domain::EventKind;

    #[test]
    fn only_plain_absolute_urls_have_a_host() {
        assert_eq!(host("https://Offer.example:8443/x?y"), Some("offer.example".into()));
        for url in [
            "//evil.example",
            "javascript:alert(1)",
            "https://a@evil.example/",
            "https://a.example\\@evil.example",
            "https://",
            "http:///x",
            "https://a b/",
            "https://[::1]/",
        ] {
            assert_eq!(host(url), None, "{url}");
        }
    }

    #[test]
    fn macros_are_encoded_and_never_stand_in_the_host() {
        let mut event = Event::new(EventKind::Click, "abcdefghij".parse().unwrap());
        event.set_text(Text::SubId, "a&b=ü");
        event.set_text(Text::ExtraParameters, r#"{"aff":"x y","n":1}"#);
        let url = expand("https://{sub_id}.example/p?s={sub_id}&a={aff}&u={unknown}", &event);
        assert_eq!(url, "https://{sub_id}.example/p?s=a%26b%3D%C3%BC&a=x%20y&u=&n=1");
    }
}
