//! From the parameters a caller sent to an [`Event`]: names, forms and limits, the same for every way in.
//!
//! A draft collects every problem, not just the first, and never guesses: a value that does not parse is an error that
//! names its field, a name it does not know is kept as an extra parameter.

use crate::extra::{Extra, push_json_string};
use crate::lookup::Seen;
use crate::prior::Prior;
use crate::target::{self, Target, Wish};
use std::net::IpAddr;
use std::str::FromStr;
use tollgate_domain::{
    ColumnType, Event, EventKind, FilterGroupId, IntegrationId, Invalid, Money, Number, Text, Timestamp, TxId,
};
use tollgate_screening::Foreseen;

/// Longest value of an ordinary field, in bytes.
pub const MAX_VALUE: usize = 1024;
/// Longest user agent, address of a page, or redirect target, in bytes.
pub const MAX_LONG_VALUE: usize = 4096;
/// Most problems that are told of one event.
pub const MAX_ERRORS: usize = 32;
/// How far ahead of the server's clock a caller's time may be, in milliseconds.
pub const MAX_AHEAD_MS: i64 = 5 * 60_000;

/// What the caller wants done with the event, beside its facts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Answer with a short JSON verdict instead of a redirect.
    pub no_redirect: bool,
    /// Answer with everything.
    pub json: bool,
    /// Answer with these fields.
    pub fields: Option<String>,
    /// Judge by this group instead of matching.
    pub filter_group: Option<FilterGroupId>,
    /// Send an approved user here.
    pub redirect_url: Option<String>,
    /// The click (or conversion) this is about, by our id.
    pub transaction_id: Option<TxId>,
    /// Idempotency key.
    pub event_key: Option<String>,
    /// The link's signature.
    pub signature: Option<String>,
    /// When the link was signed, as it says.
    pub signed_at: Option<Timestamp>,
}

/// An event in the making.
#[derive(Debug)]
pub struct Draft {
    /// The event so far.
    pub event: Event,
    /// What the caller wants done.
    pub wishes: Wishes,
    /// Hash of the request, to tell an equal retry from another event under the same key.
    pub body_hash: i64,
    /// What history says about the key.
    pub(crate) seen: Seen,
    /// The conversion's click.
    pub(crate) click: Option<Box<Event>>,
    /// The conversions before it.
    pub(crate) prior: Prior,
    /// What its judgement reads, while its turn is near.
    pub(crate) foreseen: Foreseen,
    extra: Extra,
    errors: Vec<Invalid>,
}

impl Draft {
    /// An empty draft.
    pub fn new(kind: EventKind, integration: IntegrationId) -> Self {
        Self {
            event: Event::new(kind, integration),
            wishes: Wishes::default(),
            body_hash: 0,
            seen: Seen::default(),
            click: None,
            prior: Prior::default(),
            foreseen: Foreseen::default(),
            extra: Extra::default(),
            errors: Vec::new(),
        }
    }

    /// Empties the draft for another event; buffers keep their capacity.
    pub fn reset(&mut self, kind: EventKind, integration: IntegrationId) {
        self.event.reset(kind, integration);
        self.wishes = Wishes::default();
        self.body_hash = 0;
        self.seen = Seen::default();
        self.click = None;
        self.prior = Prior::default();
        self.foreseen.forget();
        self.extra.clear();
        self.errors.clear();
    }

    /// Bytes that the draft's buffers keep when it is reset.
    pub fn capacity(&self) -> usize {
        self.event.text_capacity() + self.extra.capacity()
    }

    /// Records a problem that the caller of this draft found. Beyond [`MAX_ERRORS`] nobody reads on.
    pub fn refuse(&mut self, error: Invalid) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        }
    }

    /// Whether a problem was found.
    pub(crate) fn is_refused(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Takes one parameter. An empty value is as good as none.
    pub fn set(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        if let Err(error) = self.try_set(name, value) {
            self.refuse(error);
        }
    }

    fn try_set(&mut self, name: &str, value: &str) -> Result<(), Invalid> {
        match target::of(name, self.event.kind) {
            Some(Target::Text(column)) => self.text(column, name, value),
            Some(Target::Number(column)) => self.number(column, name, value),
            Some(Target::Ip) => self.ip(name, value),
            Some(Target::Wish(wish)) => self.wish(wish, name, value),
            Some(Target::OwnTime(..)) | None => self.extra(name, value),
        }
    }

    fn wish(&mut self, wish: Wish, name: &str, value: &str) -> Result<(), Invalid> {
        let wishes = &mut self.wishes;
        let text = |limit| limited(name, value, limit).map(str::to_owned);
        match wish {
            Wish::NoRedirect => wishes.no_redirect = boolean(name, value)?,
            Wish::Json => wishes.json = boolean(name, value)?,
            Wish::Fields => once(name, &mut wishes.fields, text(MAX_VALUE)?)?,
            Wish::FilterGroup => once(name, &mut wishes.filter_group, parsed(name, value)?)?,
            Wish::RedirectUrl => once(name, &mut wishes.redirect_url, text(MAX_LONG_VALUE)?)?,
            Wish::TransactionId => once(name, &mut wishes.transaction_id, parsed(name, value)?)?,
            Wish::EventKey => once(name, &mut wishes.event_key, text(MAX_VALUE)?)?,
            Wish::Signature => once(name, &mut wishes.signature, text(MAX_VALUE)?)?,
            Wish::SignedAt => once(name, &mut wishes.signed_at, Timestamp::parse(name, value)?)?,
        }
        Ok(())
    }

    fn text(&mut self, column: Text, name: &str, value: &str) -> Result<(), Invalid> {
        let value = limited(name, value, longest(column))?;
        match self.event.text(column) {
            Some(before) if before != value => Err(twice(name)),
            Some(_) => Ok(()),
            None => {
                self.event.set_text(column, value);
                Ok(())
            }
        }
    }

    fn number(&mut self, column: Number, name: &str, value: &str) -> Result<(), Invalid> {
        let number = match column.column_type() {
            ColumnType::Time => Timestamp::parse(name, value)?.millis(),
            ColumnType::Money => Money::parse(name, value)?.micros(),
            ColumnType::Boolean => boolean(name, value)?.into(),
            ColumnType::Integer | ColumnType::Text | ColumnType::Json => {
                value.parse().map_err(|_| Invalid::new(name, "must be a whole number"))?
            }
        };
        match self.event.number(column) {
            Some(before) if before != number => Err(twice(name)),
            _ => {
                self.event.set_number(column, number);
                Ok(())
            }
        }
    }

    fn ip(&mut self, name: &str, value: &str) -> Result<(), Invalid> {
        let ip =
            IpAddr::from_str(value).map_err(|_| Invalid::new(name, "must be an IPv4 or IPv6 address"))?;
        if let Some(before) = self.event.text(Text::Ip) {
            let same = before.parse::<IpAddr>().is_ok_and(|before| before == ip.to_canonical());
            return if same { Ok(()) } else { Err(twice(name)) };
        }
        match ip {
            // An IPv4 address parses in its canonical form only.
            IpAddr::V4(_) => self.event.set_text(Text::Ip, value),
            IpAddr::V6(_) => self.set_ip(ip.to_canonical()),
        }
        Ok(())
    }

    /// What was seen of the user agent where no parameter said it: an empty one is a fact about the event.
    pub fn observe_user_agent(&mut self, agent: Option<&str>) {
        self.set_ambient(Text::UserAgent, agent.map(str::as_bytes));
        if self.event.text(Text::UserAgent).is_none() {
            self.event.set_text(Text::UserAgent, "");
        }
    }

    /// What the user's own request says about `column`, where no parameter did. The user is not to blame for it: what is
    /// not UTF-8 is replaced, what is too long is cut.
    pub fn set_ambient(&mut self, column: Text, value: Option<&[u8]>) {
        let Some(value) = value.filter(|value| !value.is_empty()) else { return };
        if self.event.text(column).is_none() {
            let limit = longest(column);
            // Three more bytes, so that a character at the limit is whole.
            let text = String::from_utf8_lossy(&value[..value.len().min(limit + 3)]);
            self.event.set_text(column, &text[..text.floor_char_boundary(limit)]);
        }
    }

    /// Sets the user's address.
    pub fn set_ip(&mut self, ip: IpAddr) {
        use std::fmt::Write;
        self.event.write_text(Text::Ip, |out| {
            // Writing to a String does not fail.
            let _ = write!(out, "{ip}");
        });
    }

    fn extra(&mut self, name: &str, value: &str) -> Result<(), Invalid> {
        let name = limited("parameter name", name, 128)?;
        self.extra.push(name, |out| push_json_string(out, value))
    }

    /// Takes a parameter as an extra one, whatever its name means elsewhere.
    pub(crate) fn set_extra(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        if let Err(error) = self.extra(name, value) {
            self.refuse(error);
        }
    }

    /// Takes an extra parameter whose value is JSON other than a string.
    pub fn set_extra_json(&mut self, name: &str, json: &str) {
        let name = limited("parameter name", name, 128);
        if let Err(error) = name.and_then(|name| self.extra.push(name, |out| out.push_str(json))) {
            self.refuse(error);
        }
    }

    /// Completes the event: its times are set and checked against `now`, required parameters too. Errors are all
    /// problems found since the start.
    pub fn finish(&mut self, now: Timestamp) -> Result<(), Vec<Invalid>> {
        if let Some(json) = self.extra.finish() {
            self.event.set_text(Text::ExtraParameters, json);
        }
        self.event.set_number(Number::ArrivalTime, now.millis());
        self.check_times(now);
        self.check_required();
        let time = self.event.time(Number::RequestTime).unwrap_or(now);
        self.event.set_number(Number::RequestTime, time.millis());
        if self.event.kind == EventKind::Conversion {
            self.event.set_number(Number::ConversionTime, time.millis());
        }
        if self.errors.is_empty() { Ok(()) } else { Err(std::mem::take(&mut self.errors)) }
    }

    fn check_times(&mut self, now: Timestamp) {
        let latest = now.plus_millis(MAX_AHEAD_MS);
        for column in Number::ALL.iter().filter(|column| column.column_type() == ColumnType::Time) {
            if *column != Number::ArrivalTime && self.event.time(*column).is_some_and(|time| time > latest) {
                let name = match (column, self.event.kind) {
                    (Number::RequestTime, EventKind::Click) => "click_time",
                    (Number::RequestTime, EventKind::Conversion) => "conversion_time",
                    (Number::RequestTime, EventKind::Impression) => "impression_time",
                    _ => column.name(),
                };
                self.refuse(Invalid::new(name, "lies more than 5 minutes in the future"));
            }
        }
    }

    fn check_required(&mut self) {
        let has = |column| self.event.text(column).is_some();
        match self.event.kind {
            EventKind::Click => {}
            EventKind::Impression => {
                let located = has(Text::AppId) && has(Text::AdLocation);
                if !(located || has(Text::Publisher) && has(Text::OfferId)) {
                    let message = "an impression needs app_id and ad_location, or publisher and offer";
                    self.errors.push(Invalid::new("app_id", message));
                }
            }
            EventKind::Conversion => {
                let known = self.wishes.transaction_id.is_some() || has(Text::ExternalTransactionId);
                if !known && !has(Text::OfferId) {
                    let message = "a conversion needs transaction_id, external_transaction_id or offer";
                    self.errors.push(Invalid::new("transaction_id", message));
                }
            }
        }
    }
}

/// Longest value of a column, in bytes.
fn longest(column: Text) -> usize {
    match column {
        Text::UserAgent | Text::Referer | Text::SiteUrl => MAX_LONG_VALUE,
        _ => MAX_VALUE,
    }
}

/// Puts a value in its place, unless another one is there.
pub(crate) fn once<T: PartialEq>(name: &str, place: &mut Option<T>, value: T) -> Result<(), Invalid> {
    match place {
        Some(before) if *before != value => Err(twice(name)),
        _ => {
            *place = Some(value);
            Ok(())
        }
    }
}

pub(crate) fn twice(name: &str) -> Invalid {
    Invalid::new(name, "is given twice with different values")
}

pub(crate) fn limited<'a>(name: &str, value: &'a str, limit: usize) -> Result<&'a str, Invalid> {
    if value.len() > limit {
        return Err(Invalid::new(
            name.chars().take(64).collect::<String>(),
            format!("is longer than {limit} bytes"),
        ));
    }
    Ok(value)
}

fn boolean(name: &str, value: &str) -> Result<bool, Invalid> {
    match value {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Invalid::new(name, "must be true or false")),
    }
}

pub(crate) fn parsed<T: FromStr<Err = Invalid>>(name: &str, value: &str) -> Result<T, Invalid> {
    value.parse().map_err(|error: Invalid| Invalid::new(name, error.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn draft(kind: EventKind, parameters: &[(&str, &str)]) -> Result<Draft, Vec<String>> {
        let mut draft = Draft::new(kind, "abcdefghij".parse().unwrap());
        for (name, value) in parameters {
            draft.set(name, value);
        }
        match draft.finish(NOW) {
            Ok(()) => Ok(draft),
            Err(errors) => Err(errors.into_iter().map(|error| error.field).collect()),
        }
    }

    #[test]
    fn parameters_become_columns_and_the_rest_is_kept() {
        let parameters = [
            ("offer", "7"),
            ("click_ip", "::ffff:1.2.3.4"),
            ("click_time", "1699999999"),
            ("x\"y", "1\n"),
            ("revenue", "0.25"),
        ];
        let event = draft(EventKind::Click, &parameters).unwrap().event;
        assert_eq!(event.text(Text::OfferId), Some("7"));
        assert_eq!(event.text(Text::Ip), Some("1.2.3.4"));
        assert_eq!(event.at().millis(), 1_699_999_999_000);
        assert_eq!(event.text(Text::ExtraParameters), Some(r#"{"x\"y":"1\u000a"}"#));
        assert_eq!(event.number(Number::Revenue), Some(250_000));
    }

    #[test]
    fn every_problem_is_named() {
        let parameters = [
            ("click_ip", "1.2.3"),
            ("click_time", "soon"),
            ("revenue", "much"),
            ("no_redirect", "maybe"),
            ("publisher", "a"),
            ("publisher", "b"),
            ("filter_group", "X"),
        ];
        let errors = draft(EventKind::Click, &parameters).unwrap_err();
        assert_eq!(errors, ["click_ip", "click_time", "revenue", "no_redirect", "publisher", "filter_group"]);
    }

    #[test]
    fn the_future_is_refused_beyond_five_minutes() {
        assert!(draft(EventKind::Click, &[("click_time", "1700000300")]).is_ok());
        assert_eq!(draft(EventKind::Click, &[("click_time", "1700000301")]).unwrap_err(), ["click_time"]);
    }

    #[test]
    fn what_a_kind_needs_is_required() {
        assert_eq!(draft(EventKind::Conversion, &[]).unwrap_err(), ["transaction_id"]);
        assert_eq!(draft(EventKind::Impression, &[("app_id", "a")]).unwrap_err(), ["app_id"]);
        assert!(draft(EventKind::Impression, &[("publisher", "p"), ("offer", "o")]).is_ok());
    }

    #[test]
    fn limits_hold() {
        assert_eq!(draft(EventKind::Click, &[("sub_id", &"x".repeat(1025))]).unwrap_err(), ["sub_id"]);
        let many: Vec<_> = (0..100).map(|i| (format!("p{i}"), "v".repeat(100))).collect();
        let many: Vec<_> = many.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(draft(EventKind::Click, &many).unwrap_err()[0], "p75");
    }

    #[test]
    fn problems_are_told_up_to_a_limit() {
        let many: Vec<_> = (0..100).map(|i| format!("{i}")).collect();
        let many: Vec<_> = many.iter().map(|value| ("revenue", value.as_str())).collect();
        assert_eq!(draft(EventKind::Click, &many).unwrap_err().len(), MAX_ERRORS);
    }

    #[test]
    fn what_is_given_twice_with_different_values_is_refused() {
        let group = ("filter_group", "abcdefghij");
        let same = [("click_ip", "::ffff:1.2.3.4"), ("ip", "1.2.3.4"), group, group];
        assert!(draft(EventKind::Click, &same).is_ok());
        let other = [
            ("ip", "1.2.3.4"),
            ("click_ip", "1.2.3.5"),
            ("event_key", "a"),
            ("event_key", "b"),
            ("redirect_url", "https://a.example"),
            ("redirect_url", "https://b.example"),
        ];
        assert_eq!(draft(EventKind::Click, &other).unwrap_err(), ["click_ip", "event_key", "redirect_url"]);
    }

    #[test]
    fn an_extra_parameter_has_one_value() {
        let same = draft(EventKind::Click, &[("x\"", "1"), ("y", "2"), ("x\"", "1")]).unwrap();
        assert_eq!(same.event.text(Text::ExtraParameters), Some(r#"{"x\"":"1","y":"2"}"#));
        assert_eq!(draft(EventKind::Click, &[("x", "1"), ("y", "2"), ("x", "2")]).unwrap_err(), ["x"]);
    }

    /// One byte of a request may become six of JSON.
    #[test]
    fn extra_parameters_are_limited_as_they_are_written() {
        let control = "\u{1}".repeat(1000);
        assert!(draft(EventKind::Click, &[("a", &control)]).is_ok());
        let mut draft = Draft::new(EventKind::Click, "abcdefghij".parse().unwrap());
        for name in ["a", "b", "c"] {
            draft.set(name, &control);
        }
        draft.set("d", &"x".repeat(2000));
        let errors = draft.finish(NOW).unwrap_err();
        assert_eq!(errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), ["b", "c"]);
        let json = draft.event.text(Text::ExtraParameters).unwrap();
        assert!(json.len() <= crate::MAX_EXTRA && serde_json::from_str::<serde_json::Value>(json).is_ok());
    }

    #[test]
    fn what_a_browser_sends_is_cut_and_never_refused() {
        let mut draft = Draft::new(EventKind::Click, "abcdefghij".parse().unwrap());
        draft.set("keyword", "given");
        draft.set_ambient(Text::Keyword, Some(b"not taken"));
        draft.set_ambient(Text::Referer, Some(b"a\xffb"));
        draft.set_ambient(Text::BrowserLanguages, Some(format!("x{}", "ä".repeat(1000)).as_bytes()));
        draft.set_ambient(Text::SiteUrl, Some(b""));
        draft.observe_user_agent(Some(&"u".repeat(9000)));
        draft.finish(NOW).unwrap();
        let text = |column| draft.event.text(column);
        assert_eq!((text(Text::Keyword), text(Text::SiteUrl)), (Some("given"), None));
        assert_eq!(text(Text::Referer), Some("a\u{fffd}b"));
        assert_eq!(text(Text::BrowserLanguages).map(str::len), Some(1023));
        assert_eq!(text(Text::UserAgent).map(str::len), Some(MAX_LONG_VALUE));
    }

    proptest! {
        #[test]
        fn extra_parameters_are_json(pairs in proptest::collection::vec(("\\PC{1,9}|x", ".{1,20}"), 0..6)) {
            let mut draft = Draft::new(EventKind::Click, "abcdefghij".parse().unwrap());
            let mut first = std::collections::HashMap::new();
            for (name, value) in &pairs {
                let before = first.entry(name).or_insert(value);
                prop_assert_eq!(draft.extra(name, value).is_ok(), *before == value);
            }
            draft.finish(NOW).unwrap();
            if let Some(json) = draft.event.text(Text::ExtraParameters) {
                let stored: std::collections::BTreeMap<String, String> = serde_json::from_str(json).unwrap();
                let sent = first.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                prop_assert_eq!(stored, sent);
            }
        }
    }
}
