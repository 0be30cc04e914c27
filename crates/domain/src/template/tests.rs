use super::*;
use crate::{Event, EventKind, Number, Status, Text};
use proptest::prelude::*;

const LIMIT: usize = 8 << 10;

fn click(extra: &str) -> Event {
    let mut event = Event::new(EventKind::Click, "abcdefghij".parse().unwrap());
    event.set_text(Text::ExtraParameters, extra);
    event
}

fn expand(url: &str, event: &Event) -> Option<String> {
    Template::url(url).unwrap().expand_with_extra(&Macros::of(event), LIMIT)
}

fn value(event: &Event, name: &str) -> String {
    Macros::of(event).value(name).into_owned()
}

#[test]
fn macros_are_encoded_and_money_is_in_dollars() {
    let mut event = click(r#"{"aff":"x y","n":1}"#);
    event.set_text(Text::SubId, "a&b=ü");
    event.set_number(Number::Payout, 1_500_000);
    let url = expand("https://a.example/p?s={sub_id}&a={aff}&u={unknown}&p={payout}&{x", &event);
    assert_eq!(url.as_deref(), Some("https://a.example/p?s=a%26b%3D%C3%BC&a=x%20y&u=&p=1.5&{x&n=1"),);
    for host in ["{sub_id}", "${sub_id}", "[sub_id]", "x.[sub_id]"] {
        assert!(Template::url(&format!("https://{host}.example/")).is_err(), "{host}");
    }
}

#[test]
fn macros_have_three_styles() {
    let mut event = click("{}");
    event.set_text(Text::SubId, "s");
    let url = expand("https://[::1]/{sub_id}/[sub_id]/${sub_id}?[offer]=[nobody]-$5-${nobody}", &event);
    assert_eq!(url.as_deref(), Some("https://[::1]/s/s/s?=-$5-"));
    // Parameters with an index, lists, and braces that are left open are no macros.
    let literal = "https://a.example/?filter[sub_id][x]=1&a[]=2&l=[1,2]&m=[12]&n=[sub id]&$x={sub_id";
    assert!(Template::url(literal).is_err(), "a space is no part of a URL");
    let literal = "https://a.example/?filter[sub_id][x]=1&a[]=2&l=[1,2]&m=[12]&n=[sub-id]&$x={sub_id";
    assert_eq!(expand(literal, &event).as_deref(), Some(literal));
    let names: Vec<_> = Template::form("a=[x]&b=${y}{z}&c={").names().collect();
    assert_eq!(names, ["x", "y", "z"]);
}

#[test]
fn a_name_is_ours_then_the_events_then_the_callers_then_an_alias() {
    let mut event = click(r#"{"language":"de","clickid":"theirs","bot_name":"sent"}"#);
    event.set_text(Text::BrowserLanguages, "en");
    event.set_text(Text::Country, "DE");
    event.set_text(Text::UserAgent, "agent");
    for name in ["click_id", "clickid", "transaction_id", "real_tx_id", "tx_id"] {
        assert_eq!(value(&event, name), event.id.to_string(), "{name}");
    }
    for (name, expected) in
        [("language", "de"), ("country_code", "DE"), ("ua", "agent"), ("bot_name", "sent"), ("kind", "click")]
    {
        assert_eq!(value(&event, name), expected, "{name}");
    }
    event.set_text(Text::ExternalTransactionId, "external");
    assert_eq!(value(&event, "tx_id"), "external");
    let macros = Macros::of(&event).with(&[("country", "first"), ("delivery_id", "d1")]);
    assert_eq!((&*macros.value("country"), &*macros.value("delivery_id")), ("first", "d1"));
}

#[test]
fn a_conversion_names_its_click_and_its_verdict() {
    let mut event = Event::new(EventKind::Conversion, "abcdefghij".parse().unwrap());
    assert_eq!(value(&event, "click_id"), "");
    event.set_text(Text::ClickRealTxId, "01HQZX3V7K0000000000000000");
    event.set_number(Number::RequestTime, 1_700_000_000_999);
    event.set_number(Number::ClickTime, 1_600_000_000_000);
    for (name, expected) in [
        ("clickid", "01HQZX3V7K0000000000000000"),
        ("status", "approved"),
        ("reason", ""),
        ("timestamp", "1700000000"),
        ("click_time", "1600000000000"),
    ] {
        assert_eq!(value(&event, name), expected, "{name}");
    }
    event.set_status(Status::Rejected);
    event.set_text(Text::Rejections, r#"["BOT","VPN"]"#);
    assert_eq!((&*value(&event, "status"), &*value(&event, "reason")), ("rejected", "BOT"));
    event.set_number(Number::MonitoringMode, 1);
    assert_eq!((&*value(&event, "status"), &*value(&event, "rejection")), ("approved", ""));
}

#[test]
fn an_address_fits_into_a_header_and_its_parameters_stand_before_the_fragment() {
    let event = click(r#"{"aff":"1","in":"2"}"#);
    let url = expand("https://a.example/zoë?x#top-{in}", &event);
    assert_eq!(url.as_deref(), Some("https://a.example/zo%C3%AB?x&aff=1#top-2"));
    let url = expand("https://a.example#?", &event);
    assert_eq!(url.as_deref(), Some("https://a.example?aff=1&in=2#?"));
    let url = Template::url("https://a.example/?{aff}").unwrap().expand(&Macros::of(&event), LIMIT);
    assert_eq!(url.as_deref(), Some("https://a.example/?1"), "a postback says what its template says");
    let form = Template::form("in=[in]&ö={aff}").expand(&Macros::of(&event), LIMIT);
    assert_eq!(form.as_deref(), Some("in=2&%C3%B6=1"));
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
fn a_sub_id_is_the_one_that_was_sent() {
    let mut event = click("{}");
    event.set_text(Text::SubId, "TOO_MANY");
    event.set_text(Text::InvalidSubId, "sent");
    assert_eq!((&*value(&event, "sub_id"), &*value(&event, "sub1")), ("sent", "sent"));
}

#[test]
fn a_text_that_grows_too_long_is_none() {
    let mut event = click("{}");
    event.set_text(Text::Referer, &"ä".repeat(1000));
    let template = |n| format!("https://a.example/{}", "{referer}".repeat(n));
    assert_eq!(expand(&template(1), &event).map(|url| url.len()), Some(6018));
    assert_eq!(expand(&template(2), &event), None);
}

proptest! {
    #[test]
    fn pieces_are_the_whole_text(text in "[a\\[\\]{}$ü=1]{0,40}") {
        let mut rest = text.as_str();
        for piece in pieces(&text) {
            let (length, name) = match piece {
                Piece::Literal(literal) => {
                    prop_assert!(!literal.is_empty() && rest.starts_with(literal));
                    (literal.len(), None)
                }
                Piece::Macro(name) if rest.starts_with('$') => (name.len() + 3, Some(name)),
                Piece::Macro(name) => (name.len() + 2, Some(name)),
            };
            prop_assert!(name.is_none_or(|name| rest[..length].contains(name)));
            rest = &rest[length..];
        }
        prop_assert_eq!(rest, "");
    }

    #[test]
    fn no_value_reaches_beyond_its_place(value in "\\PC{0,30}") {
        let mut event = click("{}");
        event.set_text(Text::Keyword, &value);
        let url = expand("https://a.example/p?k={keyword}&end=1#f", &event).unwrap();
        let inside = url.strip_prefix("https://a.example/p?k=").and_then(|rest| rest.strip_suffix("&end=1#f"));
        let inside = inside.unwrap();
        prop_assert!(inside.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)), "{}", url);
    }
}
