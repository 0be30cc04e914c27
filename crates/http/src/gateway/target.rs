//! Where a user goes: which address, its macros, and whether the caller may name it.

use crate::web_address;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashSet;
use tollgate_domain::{Column, ColumnType, Event, Integration, Invalid, Money, Number, Text};
use tollgate_intake::Wishes;

/// Longest address a user is sent to, in bytes.
pub(super) const MAX_LOCATION: usize = 8 << 10;
/// What stays as it is inside a query value.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What an operator's own address may not have in a header; everything beyond ASCII neither.
const UNPRINTABLE: &AsciiSet = &CONTROLS.add(b' ');

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
    if let Some(url) = template.and_then(|template| expand(template, event)) {
        event.set_text(Text::RedirectedTo, &url);
    }
}

/// Fills in the macros `{name}` behind the host, percent-encoded; extra parameters that no macro named are added to the
/// query. `None` when that becomes too long.
fn expand(template: &str, event: &Event) -> Option<String> {
    let tail = web_address::parse(template).ok()?.tail;
    let (front, fragment) = template.split_at(template.find('#').unwrap_or(template.len()));
    let extra: Map<String, Value> = event
        .text(Text::ExtraParameters)
        .and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default();
    let mut url = Location(String::with_capacity(template.len() + 64));
    url.push(&front[..tail], UNPRINTABLE)?;
    url.fill(&front[tail..], event, &extra)?;
    let macros = pieces(&template[tail..]).filter_map(|piece| match piece {
        Piece::Macro(name) => Some(name),
        Piece::Literal(_) => None,
    });
    let named: HashSet<&str> = if extra.is_empty() { HashSet::new() } else { macros.collect() };
    let mut separator = if url.0.contains('?') { "&" } else { "?" };
    for (name, given) in extra.iter().filter(|(name, _)| !named.contains(name.as_str())) {
        url.push(std::mem::replace(&mut separator, "&"), UNPRINTABLE)?;
        url.push(name, UNRESERVED)?;
        url.push("=", UNPRINTABLE)?;
        url.push(&text_of(given), UNRESERVED)?;
    }
    url.fill(fragment, event, &extra)?;
    Some(url.0)
}

/// An address in the making, never longer than [`MAX_LOCATION`].
struct Location(String);

impl Location {
    fn push(&mut self, text: &str, encoded: &'static AsciiSet) -> Option<()> {
        for part in utf8_percent_encode(text, encoded) {
            if self.0.len() + part.len() > MAX_LOCATION {
                return None;
            }
            self.0.push_str(part);
        }
        Some(())
    }

    fn fill(&mut self, template: &str, event: &Event, extra: &Map<String, Value>) -> Option<()> {
        for piece in pieces(template) {
            match piece {
                Piece::Literal(text) => self.push(text, UNPRINTABLE)?,
                Piece::Macro(name) => self.push(&value(name, event, extra), UNRESERVED)?,
            }
        }
        Some(())
    }
}

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Literal(&'a str),
    Macro(&'a str),
}

/// The parts of a template in order. A brace that is never closed is as literal as the rest.
fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        let inside = |rest: &str| rest.strip_prefix('{').and_then(|after| after.find('}'));
        if rest.is_empty() {
            return None;
        }
        if let Some(length) = inside(rest) {
            let name = &rest[1..=length];
            rest = &rest[length + 2..];
            return Some(Piece::Macro(name));
        }
        // A brace at the start of `rest` is not closed, so none that follows is either.
        let end = if rest.starts_with('{') { rest.len() } else { rest.find('{').unwrap_or(rest.len()) };
        let (text, after) = rest.split_at(end);
        rest = after;
        Some(Piece::Literal(text))
    })
}

/// Columns that say how a verdict came about, or serve the ledger: no target learns them.
const NEVER: &[Column] = &[
    Column::Text(Text::Evidence),
    Column::Text(Text::ExtraParameters),
    Column::Text(Text::FilterGroupId),
    Column::Text(Text::RedirectedTo),
    Column::Text(Text::BotClass),
    Column::Text(Text::BotName),
    Column::Text(Text::SearchEngine),
    Column::Number(Number::ArrivalTime),
    Column::Number(Number::BodyHash),
    Column::Number(Number::ConfigVersion),
    Column::Number(Number::MonitoringMode),
    Column::Number(Number::NewSubId),
    Column::Number(Number::Status),
];

fn value<'a>(name: &str, event: &'a Event, extra: &'a Map<String, Value>) -> Cow<'a, str> {
    match name {
        "transaction_id" | "real_tx_id" => return event.id.to_string().into(),
        "offer" => return event.text_or_empty(Text::OfferId).into(),
        // The publisher's tracker knows the sub id that was sent, not the one it is reported under.
        "sub_id" if event.text(Text::InvalidSubId).is_some() => {
            return event.text_or_empty(Text::InvalidSubId).into();
        }
        _ => {}
    }
    match Column::from_name(name).filter(|column| !NEVER.contains(column)) {
        Some(Column::Text(column)) => event.text_or_empty(column).into(),
        Some(Column::Number(column)) => match (event.number(column), column.column_type()) {
            (Some(micros), ColumnType::Money) => Money::from_micros(micros).to_string().into(),
            (Some(number), _) => number.to_string().into(),
            (None, _) => "".into(),
        },
        None => extra.get(name).map_or("".into(), text_of),
    }
}

fn text_of(value: &Value) -> Cow<'_, str> {
    value.as_str().map_or_else(|| value.to_string().into(), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_domain::EventKind;

    fn click(extra: &str) -> Event {
        let mut event = Event::new(EventKind::Click, "abcdefghij".parse().unwrap());
        event.set_text(Text::ExtraParameters, extra);
        event
    }

    #[test]
    fn macros_are_encoded_and_money_is_in_dollars() {
        let mut event = click(r#"{"aff":"x y","n":1}"#);
        event.set_text(Text::SubId, "a&b=ü");
        event.set_number(Number::Payout, 1_500_000);
        let url = expand("https://a.example/p?s={sub_id}&a={aff}&u={unknown}&p={payout}&{x", &event);
        assert_eq!(url.as_deref(), Some("https://a.example/p?s=a%26b%3D%C3%BC&a=x%20y&u=&p=1.5&{x&n=1"),);
        assert_eq!(expand("https://{sub_id}.example/", &event), None);
    }

    #[test]
    fn an_address_fits_into_a_header_and_its_parameters_stand_before_the_fragment() {
        let event = click(r#"{"aff":"1","in":"2"}"#);
        let url = expand("https://a.example/zoë?x#top-{in}", &event);
        assert_eq!(url.as_deref(), Some("https://a.example/zo%C3%AB?x&aff=1#top-2"));
        let url = expand("https://a.example#?", &event);
        assert_eq!(url.as_deref(), Some("https://a.example?aff=1&in=2#?"));
    }

    #[test]
    fn how_a_verdict_came_about_is_no_macro() {
        let mut event = click(r#"{"bot_name":"sent"}"#);
        for column in [Text::Evidence, Text::BotName] {
            event.set_text(column, "secret");
        }
        event.set_number(Number::BodyHash, 77);
        let url = expand("https://a.example/?{evidence}&{body_hash}&{arrival_time}&{bot_name}", &event);
        assert_eq!(url.as_deref(), Some("https://a.example/?&&&sent"));
    }

    #[test]
    fn an_address_that_grows_too_long_is_none() {
        let mut event = click("{}");
        event.set_text(Text::Referer, &"ä".repeat(1000));
        let template = |n| format!("https://a.example/{}", "{referer}".repeat(n));
        assert_eq!(expand(&template(1), &event).map(|url| url.len()), Some(6018));
        assert_eq!(expand(&template(2), &event), None);
        let mut event = click("{}");
        set(&mut event, &Wishes { redirect_url: Some(template(400)), ..Wishes::default() }, &integration());
        assert!(event.text(Text::RedirectedTo).is_some());
        event.clear_text(Text::RedirectedTo);
        event.set_text(Text::Referer, &"ä".repeat(1000));
        set(&mut event, &Wishes { redirect_url: Some(template(400)), ..Wishes::default() }, &integration());
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
