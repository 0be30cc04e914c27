//! What macros stand for: one table of names, the same wherever a template is filled in.

use crate::{Column, ColumnType, Event, EventKind, Money, Number, Text};
use serde_json::{Map, Value};
use std::borrow::Cow;

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
    Column::Number(Number::RtbOutcome),
    Column::Number(Number::RtbPrice),
    Column::Number(Number::RtbMs),
];

/// Other names that trackers use, and ours. They give way to an extra parameter of the same name.
const ALIASES: &[(&str, &str)] = &[
    ("aff_id", "publisher"),
    ("aff_sub", "sub_id"),
    ("aff_sub2", "sub_id_2"),
    ("aff_sub3", "sub_id_3"),
    ("aff_sub4", "sub_id_4"),
    ("aff_sub5", "sub_id_5"),
    ("aff_sub6", "sub_id_6"),
    ("affiliate_id", "publisher"),
    ("advertiser_id", "advertiser"),
    ("browser", "browser_name"),
    ("bundle", "bundle_id"),
    ("campaign_id", "campaign"),
    ("click_ip", "ip"),
    ("conversion_ip", "ip"),
    ("country_code", "country"),
    ("creative_id", "creative"),
    ("gaid", "device_id"),
    ("idfa", "device_id"),
    ("ifa", "device_id"),
    ("language", "browser_languages"),
    ("offer", "offer_id"),
    ("os", "os_name"),
    ("publisher_id", "publisher"),
    ("reason", "rejection"),
    ("referrer", "referer"),
    ("sub1", "sub_id"),
    ("sub2", "sub_id_2"),
    ("sub3", "sub_id_3"),
    ("sub4", "sub_id_4"),
    ("sub5", "sub_id_5"),
    ("sub6", "sub_id_6"),
    ("sub_id1", "sub_id"),
    ("sub_id_1", "sub_id"),
    ("sub_id2", "sub_id_2"),
    ("sub_id3", "sub_id_3"),
    ("sub_id4", "sub_id_4"),
    ("sub_id5", "sub_id_5"),
    ("sub_id6", "sub_id_6"),
    ("ua", "user_agent"),
];

/// An event as macros name it.
#[derive(Debug, Clone)]
pub struct Macros<'a> {
    event: &'a Event,
    extra: Map<String, Value>,
    more: &'a [(&'a str, &'a str)],
}

impl<'a> Macros<'a> {
    /// The macros of a judged event.
    pub fn of(event: &'a Event) -> Self {
        let extra = event.text(Text::ExtraParameters).and_then(|json| serde_json::from_str(json).ok());
        Self { event, extra: extra.unwrap_or_default(), more: &[] }
    }

    /// The same with further names and their values, which come before all others.
    #[must_use]
    pub fn with(self, more: &'a [(&'a str, &'a str)]) -> Self {
        Self { more, ..self }
    }

    /// What `name` stands for: our ids, a column of the event, an extra parameter of this very name, another name of a
    /// column, in this order. Nothing when it is none of them.
    pub fn value(&self, name: &str) -> Cow<'_, str> {
        if let Some((_, value)) = self.more.iter().find(|(known, _)| *known == name) {
            return (*value).into();
        }
        let own = self.computed(name).or_else(|| self.column(name));
        own.or_else(|| self.extra.get(name).map(text_of)).unwrap_or_else(|| {
            let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
            let own = alias.and_then(|(_, name)| self.computed(name).or_else(|| self.column(name)));
            own.unwrap_or_default()
        })
    }

    /// Names that are no columns, and columns that are not told as they are stored.
    fn computed(&self, name: &str) -> Option<Cow<'_, str>> {
        let event = self.event;
        let value = match name {
            "transaction_id" | "real_tx_id" => event.id.to_string().into(),
            // The id by which a conversion is reported to us, whichever event tells of it.
            "click_id" | "clickid" if event.kind == EventKind::Conversion => {
                event.text_or_empty(Text::ClickRealTxId).into()
            }
            "click_id" | "clickid" => event.id.to_string().into(),
            "tx_id" => event
                .text(Text::ExternalTransactionId)
                .map_or_else(|| event.id.to_string().into(), Cow::Borrowed),
            "integration_id" => event.integration.to_string().into(),
            "kind" => event.kind.name().into(),
            "timestamp" => event.at().seconds().to_string().into(),
            "click_time" if event.kind == EventKind::Click => event.at().millis().to_string().into(),
            // As the short verdict tells them: what is not enforced is not said.
            "status" if event.is_enforced_rejection() => "rejected".into(),
            "status" => "approved".into(),
            "rejection" if event.is_enforced_rejection() => event.primary_reason().unwrap_or_default().into(),
            "rejection" => "".into(),
            // The publisher's tracker knows the sub id that was sent, not the one it is reported under.
            "sub_id" => event.text(Text::InvalidSubId).or(event.text(Text::SubId)).unwrap_or_default().into(),
            _ => return None,
        };
        Some(value)
    }

    fn column(&self, name: &str) -> Option<Cow<'_, str>> {
        match Column::from_name(name).filter(|column| !NEVER.contains(column))? {
            Column::Text(column) => Some(self.event.text_or_empty(column).into()),
            Column::Number(column) => {
                let value = match (self.event.number(column), column.column_type()) {
                    (Some(micros), ColumnType::Money) => Money::from_micros(micros).to_string(),
                    (Some(number), _) => number.to_string(),
                    (None, _) => String::new(),
                };
                Some(value.into())
            }
        }
    }

    pub(super) fn has_extra(&self) -> bool {
        !self.extra.is_empty()
    }

    /// Names and values of the event's extra parameters.
    pub(super) fn extra(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.extra.iter().map(|(name, value)| (name.as_str(), text_of(value)))
    }
}

fn text_of(value: &Value) -> Cow<'_, str> {
    value.as_str().map_or_else(|| value.to_string().into(), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_lead_to_names_that_there_are_and_are_none_themselves() {
        let event = Event::new(EventKind::Click, "abcdefghij".parse().unwrap());
        let macros = Macros::of(&event);
        for (n, (alias, name)) in ALIASES.iter().enumerate() {
            assert!(macros.computed(name).or_else(|| macros.column(name)).is_some(), "{name}");
            assert!(macros.computed(alias).is_none() && macros.column(alias).is_none(), "{alias}");
            assert!(!ALIASES[n + 1..].iter().any(|(other, _)| other == alias), "{alias} stands there twice");
        }
    }
}
