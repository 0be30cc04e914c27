//! An event as the traffic-quality dialect writes it: its fields, and the one way each value is written.
//!
//! Reports, single lookups, the gateway's full answer and exports share this. In JSON a row is an object, every field of
//! its kind, null where unknown, in the document's order; in a table's cell stand the same characters without quotes.

use crate::decimal::write_decimal;
use crate::event::first_reason;
use crate::{
    AuctionOutcome, Column, ColumnType, Event, EventKind, IntegrationId, KINDS_ALL, Money, Number,
    OrganizationId, Status, Text, Timestamp, TxId,
};
use std::io::Write;
use std::sync::LazyLock;

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
const INTERNAL: &[&str] = &["body_hash", "arrival_time", "new_sub_id", "late_rejection", "restated"];
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

/// The fields of a row, each with what stands before its value.
type Places = Vec<(Field, String)>;

/// The fields of each kind's rows, with what stands before a value: a comma where there is one, the name, a colon.
static ROWS: LazyLock<Vec<(EventKind, Places)>> = LazyLock::new(|| {
    let before = |n, field: Field| format!("{}\"{}\":", if n > 0 { "," } else { "" }, field.name());
    let fields =
        |kind| Field::of_kind(kind).enumerate().map(|(n, field)| (field, before(n, field))).collect();
    KINDS_ALL.iter().map(|kind| (*kind, fields(*kind))).collect()
});

/// Appends the whole row.
pub fn write(event: &Event, organization: OrganizationId, out: &mut Vec<u8>) {
    out.push(b'{');
    let rows = ROWS.iter().find(|(kind, _)| *kind == event.kind);
    for (field, before) in rows.iter().flat_map(|(_, fields)| fields) {
        out.extend_from_slice(before.as_bytes());
        write_value(event, organization, *field, out);
    }
    out.push(b'}');
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
    Value::of(event, &organization, field).write_json(out);
}

/// The stored columns of a row, wherever it lies.
pub trait Fields {
    /// Click, conversion or impression.
    fn kind(&self) -> EventKind;
    /// The integration it belongs to.
    fn integration(&self) -> IntegrationId;
    /// Its id.
    fn id(&self) -> TxId;
    /// The value of a text column.
    fn text(&self, column: Text) -> Option<&str>;
    /// The value of a number column.
    fn number(&self, column: Number) -> Option<i64>;
}

impl Fields for Event {
    fn kind(&self) -> EventKind {
        self.kind
    }

    fn integration(&self) -> IntegrationId {
        self.integration
    }

    fn id(&self) -> TxId {
        self.id
    }

    fn text(&self, column: Text) -> Option<&str> {
        self.text(column)
    }

    fn number(&self, column: Number) -> Option<i64> {
        self.number(column)
    }
}

/// A field's value, ready to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// It has none.
    Null,
    /// Text.
    Text(&'a str),
    /// A JSON array or object that was written here.
    Json(&'a str),
    /// A transaction id.
    Id(TxId),
    /// An integration's id.
    Integration(IntegrationId),
    /// An instant.
    Time(Timestamp),
    /// An amount.
    Money(Money),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
}

impl<'a> Value<'a> {
    /// The value of a row's field.
    pub fn of(row: &'a impl Fields, organization: &'a OrganizationId, field: Field) -> Self {
        match field {
            Field::RealTxId => Self::Id(row.id()),
            Field::TxId => row.text(Text::ExternalTransactionId).map_or(Self::Id(row.id()), Self::Text),
            Field::IntegrationId => Self::Integration(row.integration()),
            Field::Organization => Self::Text(organization.as_str()),
            Field::Kind => Self::Text(row.kind().name()),
            Field::Rejection => {
                row.text(Text::Rejections).and_then(first_reason).map_or(Self::Null, Self::Text)
            }
            Field::Stored(Column::Text(column)) => Self::of_text(column, row.text(column)),
            Field::Stored(Column::Number(column)) => Self::of_number(column, row.number(column)),
        }
    }

    /// What a text column's stored value stands for.
    pub fn of_text(column: Text, stored: Option<&'a str>) -> Self {
        match (stored, column.column_type()) {
            (Some(json), ColumnType::Json) => Self::Json(json),
            (Some(text), _) => Self::Text(text),
            (None, ColumnType::Json) if column == Text::ExtraParameters => Self::Json("{}"),
            (None, ColumnType::Json) => Self::Json("[]"),
            (None, _) => Self::Null,
        }
    }

    /// What a number column's stored value stands for.
    pub fn of_number(column: Number, stored: Option<i64>) -> Self {
        let Some(value) = stored else { return Self::Null };
        let code = |code: Option<&'static str>| code.map_or(Self::Null, Self::Text);
        match (column, column.column_type()) {
            (Number::Status, _) => code(Status::from_number(value).map(Status::name)),
            (Number::RtbOutcome, _) => code(AuctionOutcome::from_number(value).map(AuctionOutcome::code)),
            (_, ColumnType::Time) => Self::Time(Timestamp::from_millis(value)),
            (_, ColumnType::Money) => Self::Money(Money::from_micros(value)),
            (_, ColumnType::Boolean) => Self::Boolean(value == 1),
            (_, ColumnType::Integer | ColumnType::Text | ColumnType::Json) => Self::Integer(value),
        }
    }

    /// Appends it as JSON.
    pub fn write_json(self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Text(text) => string(text, out),
            Self::Id(_) | Self::Integration(_) | Self::Time(_) => {
                out.push(b'"');
                self.write_plain(out);
                out.push(b'"');
            }
            Self::Json(_) | Self::Money(_) | Self::Integer(_) | Self::Boolean(_) => self.write_plain(out),
        }
    }

    /// Appends it as it stands in a table's cell: the same characters as in JSON, a text's own without quotes and
    /// escapes; nothing for null.
    pub fn write_plain(self, out: &mut Vec<u8>) {
        // Writing to a Vec does not fail.
        let _ = match self {
            Self::Null => Ok(()),
            Self::Text(text) | Self::Json(text) => out.write_all(text.as_bytes()),
            Self::Id(id) => out.write_all(&id.encode()),
            Self::Integration(id) => out.write_all(id.as_bytes()),
            Self::Time(time) => out.write_all(&time.encode()),
            Self::Money(money) => {
                money.write(out);
                Ok(())
            }
            Self::Integer(number) => {
                write_decimal(number, out);
                Ok(())
            }
            Self::Boolean(flag) => write!(out, "{flag}"),
        };
    }
}

/// Appends `text` as a JSON string.
pub fn string(text: &str, out: &mut Vec<u8>) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    // Without an early end, so that many bytes are compared at once.
    if text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // Serialising a string into memory does not fail.
        let _ = serde_json::to_writer(out, text);
    }
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
