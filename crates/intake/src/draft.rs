//! From the parameters a caller sent to an [`Event`]: names, forms and limits, the same for every way in.
//!
//! A draft collects every problem, not just the first, and never guesses: a value that does not parse is an error that
//! names its field, a name it does not know is kept as an extra parameter.

use crate::target::{self, Target, Wish};
use std::net::IpAddr;
use std::str::FromStr;
use tollgate_domain::{
    ColumnType, Event, EventKind, FilterGroupId, IntegrationId, Invalid, Money, Number, Text, Timestamp, TxId,
};

/// Longest value of an ordinary field, in bytes.
pub const MAX_VALUE: usize = 1024;
/// Longest user agent, address of a page, or redirect target, in bytes.
pub const MAX_LONG_VALUE: usize = 4096;
/// Most extra parameters of one event, in bytes of JSON.
pub const MAX_EXTRA: usize = 8192;
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
}

/// An event in the making.
#[derive(Debug)]
pub struct Draft {
    /// The event so far.
    pub event: Event,
    /// What the caller wants done.
    pub wishes: Wishes,
    extra: String,
    errors: Vec<Invalid>,
}

impl Draft {
    /// An empty draft.
    pub fn new(kind: EventKind, integration: IntegrationId) -> Self {
        Self {
            event: Event::new(kind, integration),
            wishes: Wishes::default(),
            extra: String::new(),
            errors: Vec::new(),
        }
    }

    /// Empties the draft for another event; buffers keep their capacity.
    pub fn reset(&mut self, kind: EventKind, integration: IntegrationId) {
        self.event.reset(kind, integration);
        self.wishes = Wishes::default();
        self.extra.clear();
        self.errors.clear();
    }

    /// Records a problem that the caller of this draft found.
    pub fn refuse(&mut self, error: Invalid) {
        self.errors.push(error);
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
            self.errors.push(error);
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
        let text = |limit| limited(name, value, limit).map(|text| Some(text.to_owned()));
        match wish {
            Wish::NoRedirect => wishes.no_redirect = boolean(name, value)?,
            Wish::Json => wishes.json = boolean(name, value)?,
            Wish::Fields => wishes.fields = text(MAX_VALUE)?,
            Wish::FilterGroup => wishes.filter_group = Some(parsed(name, value)?),
            Wish::RedirectUrl => wishes.redirect_url = text(MAX_LONG_VALUE)?,
            Wish::TransactionId => wishes.transaction_id = Some(parsed(name, value)?),
            Wish::EventKey => wishes.event_key = text(MAX_VALUE)?,
        }
        Ok(())
    }

    fn text(&mut self, column: Text, name: &str, value: &str) -> Result<(), Invalid> {
        let limit = match column {
            Text::UserAgent | Text::Referer | Text::SiteUrl => MAX_LONG_VALUE,
            _ => MAX_VALUE,
        };
        let value = limited(name, value, limit)?;
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
        match ip {
            // An IPv4 address parses in its canonical form only.
            IpAddr::V4(_) => self.event.set_text(Text::Ip, value),
            IpAddr::V6(_) => self.set_ip(ip.to_canonical()),
        }
        Ok(())
    }

    /// What was seen of the user agent where no parameter said it: an empty one is a fact about the event.
    pub fn observe_user_agent(&mut self, agent: Option<&str>) {
        if self.event.text(Text::UserAgent).is_some() {
            return;
        }
        match agent {
            Some(agent) if !agent.is_empty() => self.set("user_agent", agent),
            _ => self.event.set_text(Text::UserAgent, ""),
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
        self.extra_with(name, value.len(), |out| push_json_string(out, value))
    }

    /// Takes a parameter as an extra one, whatever its name means elsewhere.
    pub(crate) fn set_extra(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        if let Err(error) = self.extra(name, value) {
            self.errors.push(error);
        }
    }

    /// Takes an extra parameter whose value is JSON other than a string.
    pub fn set_extra_json(&mut self, name: &str, json: &str) {
        if let Err(error) = self.extra_with(name, json.len(), |out| out.push_str(json)) {
            self.errors.push(error);
        }
    }

    fn extra_with(
        &mut self,
        name: &str,
        size: usize,
        write: impl FnOnce(&mut String),
    ) -> Result<(), Invalid> {
        if self.extra.len() + name.len() + size > MAX_EXTRA {
            return Err(Invalid::new(
                name,
                format!("extra parameters are limited to {MAX_EXTRA} bytes altogether"),
            ));
        }
        self.extra.push(if self.extra.is_empty() { '{' } else { ',' });
        push_json_string(&mut self.extra, name);
        self.extra.push(':');
        write(&mut self.extra);
        Ok(())
    }

    /// Completes the event: its times are set and checked against `now`, required parameters too. Errors are all
    /// problems found since the start.
    pub fn finish(&mut self, now: Timestamp) -> Result<(), Vec<Invalid>> {
        if !self.extra.is_empty() {
            self.extra.push('}');
            self.event.set_text(Text::ExtraParameters, &self.extra);
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
                self.errors.push(Invalid::new(name, "lies more than 5 minutes in the future"));
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

fn twice(name: &str) -> Invalid {
    Invalid::new(name, "is given twice with different values")
}

fn limited<'a>(name: &str, value: &'a str, limit: usize) -> Result<&'a str, Invalid> {
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

fn parsed<T: FromStr<Err = Invalid>>(name: &str, value: &str) -> Result<T, Invalid> {
    value.parse().map_err(|error: Invalid| Invalid::new(name, error.message))
}

/// Appends `text` as a JSON string.
fn push_json_string(out: &mut String, text: &str) {
    use std::fmt::Write;
    out.push('"');
    let mut plain = 0;
    for (i, c) in text.char_indices() {
        if c >= ' ' && c != '"' && c != '\\' {
            continue;
        }
        out.push_str(&text[plain..i]);
        plain = i + c.len_utf8();
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // Writing to a String does not fail.
            _ => drop(write!(out, "\\u{:04x}", c as u32)),
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
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

    proptest! {
        #[test]
        fn extra_parameters_are_json(pairs in proptest::collection::vec(("\\PC{1,9}|x", ".{1,20}"), 0..6)) {
            let mut draft = Draft::new(EventKind::Click, "abcdefghij".parse().unwrap());
            for (name, value) in &pairs {
                draft.extra(name, value).unwrap();
            }
            draft.finish(NOW).unwrap();
            if let Some(json) = draft.event.text(Text::ExtraParameters) {
                let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).unwrap();
                let last = pairs.last().unwrap();
                prop_assert_eq!(&object[&last.0], &serde_json::Value::from(last.1.as_str()));
            }
        }
    }
}
