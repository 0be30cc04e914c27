//! An event as the traffic-quality dialect writes it: one JSON object, every field of its kind, null where unknown.
//!
//! Reports, single lookups and the gateway's full answer share this; the field order is the document's.

use std::io::Write;
use tollgate_domain::{
    AuctionOutcome, Column, ColumnType, Event, EventKind, Money, Number, OrganizationId, Text, Timestamp,
};

/// A field of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `real_tx_id`
    RealTxId,
    /// `tx_id`: the caller's id, else ours.
    TxId,
    /// `integration_id`
    IntegrationId,
    /// `organization`
    Organization,
    /// `kind`
    Kind,
    /// `rejection`: the primary reason.
    Rejection,
    /// A stored column.
    Stored(Column),
}

/// Columns that are for the ledger alone.
const INTERNAL: &[&str] = &["body_hash", "arrival_time", "new_sub_id", "late_rejection"];
/// Columns that stand first, in the document's order.
const LEADING: &[&str] = &[
    "real_tx_id",
    "tx_id",
    "external_transaction_id",
    "integration_id",
    "organization",
    "kind",
    "status",
    "monitoring_mode",
    "rejection",
    "rejections",
    "filter_group_id",
    "evidence",
];

impl Field {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::RealTxId => "real_tx_id",
            Self::TxId => "tx_id",
            Self::IntegrationId => "integration_id",
            Self::Organization => "organization",
            Self::Kind => "kind",
            Self::Rejection => "rejection",
            Self::Stored(column) => column.name(),
        }
    }

    /// The field of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        let derived = [
            Self::RealTxId,
            Self::TxId,
            Self::IntegrationId,
            Self::Organization,
            Self::Kind,
            Self::Rejection,
        ];
        derived.into_iter().find(|field| field.name() == name).or_else(|| {
            let column = Column::from_name(name).filter(|column| !INTERNAL.contains(&column.name()))?;
            Some(Self::Stored(column))
        })
    }

    /// Every field of a kind, in the order of rows.
    pub fn of_kind(kind: EventKind) -> impl Iterator<Item = Self> {
        let rest = Column::all().filter(move |column| {
            column.kinds().contains(&kind)
                && !LEADING.contains(&column.name())
                && !INTERNAL.contains(&column.name())
        });
        LEADING.iter().filter_map(|name| Self::from_name(name)).chain(rest.map(Self::Stored))
    }
}

/// Appends the whole row.
pub fn write(event: &Event, organization: OrganizationId, out: &mut Vec<u8>) {
    write_fields(event, organization, Field::of_kind(event.kind), out);
}

/// Appends an object of `fields`.
pub fn write_fields(
    event: &Event,
    organization: OrganizationId,
    fields: impl Iterator<Item = Field>,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    for (n, field) in fields.enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(field.name().as_bytes());
        out.extend_from_slice(b"\":");
        write_value(event, organization, field, out);
    }
    out.push(b'}');
}

/// Appends one value as JSON.
pub fn write_value(event: &Event, organization: OrganizationId, field: Field, out: &mut Vec<u8>) {
    match field {
        Field::RealTxId => string(&event.id.to_string(), out),
        Field::TxId => match event.text(Text::ExternalTransactionId) {
            Some(text) => string(text, out),
            None => string(&event.id.to_string(), out),
        },
        Field::IntegrationId => string(event.integration.as_str(), out),
        Field::Organization => string(organization.as_str(), out),
        Field::Kind => string(event.kind.name(), out),
        Field::Rejection => match event.primary_reason() {
            Some(reason) => string(reason, out),
            None => out.extend_from_slice(b"null"),
        },
        Field::Stored(Column::Number(Number::Status)) => match event.status() {
            Some(status) => string(status.name(), out),
            None => out.extend_from_slice(b"null"),
        },
        Field::Stored(Column::Number(Number::RtbOutcome)) => {
            match event.number(Number::RtbOutcome).and_then(AuctionOutcome::from_number) {
                Some(outcome) => string(outcome.code(), out),
                None => out.extend_from_slice(b"null"),
            }
        }
        Field::Stored(Column::Text(column)) => text(event.text(column), column, out),
        Field::Stored(Column::Number(column)) => number(event.number(column), column, out),
    }
}

fn text(value: Option<&str>, column: Text, out: &mut Vec<u8>) {
    match (value, column.column_type()) {
        // These columns hold JSON that was written here.
        (Some(json), ColumnType::Json) => out.extend_from_slice(json.as_bytes()),
        (Some(value), _) => string(value, out),
        (None, ColumnType::Json) if column == Text::ExtraParameters => out.extend_from_slice(b"{}"),
        (None, ColumnType::Json) => out.extend_from_slice(b"[]"),
        (None, _) => out.extend_from_slice(b"null"),
    }
}

fn number(value: Option<i64>, column: Number, out: &mut Vec<u8>) {
    let Some(value) = value else { return out.extend_from_slice(b"null") };
    // Writing to a Vec does not fail.
    let _ = match column.column_type() {
        ColumnType::Time => write!(out, "\"{}\"", Timestamp::from_millis(value)),
        ColumnType::Money => write!(out, "{}", Money::from_micros(value)),
        ColumnType::Boolean => write!(out, "{}", value == 1),
        ColumnType::Integer | ColumnType::Text | ColumnType::Json => write!(out, "{value}"),
    };
}

/// Appends `text` as a JSON string.
pub fn string(text: &str, out: &mut Vec<u8>) {
    // Serialising a string into memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_row_has_every_field_of_its_kind_with_its_type() {
        let mut event = Event::new(EventKind::Click, "abcdefghij".parse().unwrap());
        event.set_text(Text::OfferId, "o\"1");
        event.set_text(Text::Rejections, r#"["BOT","VPN"]"#);
        event.set_number(Number::RequestTime, 1_700_000_000_007);
        event.set_number(Number::Revenue, 1_250_000);
        event.set_number(Number::IsBot, 1);
        let mut out = Vec::new();
        write(&event, "0123456789abcdef01234567".parse().unwrap(), &mut out);
        let row: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(row["offer_id"], "o\"1");
        assert_eq!(row["rejection"], "BOT");
        assert_eq!(row["rejections"], serde_json::json!(["BOT", "VPN"]));
        assert_eq!(row["request_time"], "2023-11-14T22:13:20.007Z");
        assert_eq!(row["revenue"], 1.25);
        assert_eq!(row["is_bot"], true);
        assert_eq!(row["extra_parameters"], serde_json::json!({}));
        assert_eq!(row["evidence"], serde_json::json!([]));
        assert!(row["country"].is_null() && row.get("hash").is_none() && row.get("body_hash").is_none());
        assert!(row.as_object().unwrap().contains_key("redirected_to"));
    }
}
