//! What an import is asked for: format, map, constants. Checked as a whole before the file is read.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use tollgate_domain::{Column, EventKind, IntegrationId, Invalid};

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Comma-separated values with a header row (RFC 4180).
    Csv,
    /// The combined log of Apache and nginx.
    Combined,
    /// One JSON object to a line.
    Ndjson,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Combined, Self::Ndjson];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Combined => "combined",
            Self::Ndjson => "ndjson",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let known = Self::ALL.into_iter().find(|format| format.name() == text);
        known.ok_or_else(|| Invalid::new("format", "must be csv, combined or ndjson"))
    }
}

/// Which of the file's columns is which of our fields. Without a map the file's names are ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportMap {
    /// The column with the event's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Our field = their column. Columns that are not named become extra parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// Rows that also make a conversion of their click.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<ConversionMap>,
}

/// See [`ImportMap::conversion`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConversionMap {
    /// The column with the conversion's time; a row that leaves it empty has no conversion.
    pub time: String,
    /// The conversion's own field = their column: what its click does not say, or says otherwise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// An import as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRequest {
    /// Whose history it is.
    pub integration: IntegrationId,
    /// What a line is: `click`, `conversion` or `impression`.
    #[serde(with = "kind_name")]
    pub kind: EventKind,
    /// How the file is written.
    pub format: Format,
    /// The file's columns.
    #[serde(default)]
    pub map: Option<ImportMap>,
    /// Fields with the same value in every row; they win over the file's.
    #[serde(default)]
    pub set: Vec<(String, String)>,
}

mod kind_name {
    use serde::{Deserialize, Deserializer, Serializer};
    use tollgate_domain::EventKind;

    pub(super) fn serialize<S: Serializer>(kind: &EventKind, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(kind.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EventKind, D::Error> {
        let name = String::deserialize(deserializer)?;
        let unknown = || serde::de::Error::custom("kind must be click, conversion or impression");
        EventKind::from_name(&name).ok_or_else(unknown)
    }
}

/// The parameter that gives an event of `kind` its time.
pub(crate) const fn time_field(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Click => "click_time",
        EventKind::Conversion => "conversion_time",
        EventKind::Impression => "impression_time",
    }
}

impl ImportRequest {
    /// Refuses what contradicts itself. Columns are checked when the file's header is known.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.map.is_some() && self.format == Format::Combined {
            return Err(Invalid::new("map", "a combined log has no columns to map; use --set for constants"));
        }
        if let Some((name, _)) = self.set.iter().find(|(name, _)| name.is_empty() || name.len() > 128) {
            return Err(Invalid::new("set", format!("`{name}` is not a field's name")));
        }
        let conversions = self.map.as_ref().is_some_and(|map| map.conversion.is_some());
        if conversions && self.kind != EventKind::Click {
            return Err(Invalid::new(
                "map.conversion",
                "goes with clicks only: the row is the conversion's click",
            ));
        }
        Ok(())
    }

    /// Names on our side of the map that are no fields of their kind; their columns become extra parameters.
    pub fn unknown_fields(&self) -> Vec<(EventKind, &str)> {
        let own = self.map.iter().flat_map(|map| map.fields.keys()).map(|name| (self.kind, name));
        let conversion = self.map.iter().filter_map(|map| map.conversion.as_ref());
        let conversion = conversion.flat_map(|map| map.fields.keys());
        let all = own.chain(conversion.map(|name| (EventKind::Conversion, name)));
        all.map(|(kind, name)| (kind, name.as_str())).filter(|(kind, name)| !is_field(*kind, name)).collect()
    }
}

/// Whether a caller may send a field of this name.
fn is_field(kind: EventKind, name: &str) -> bool {
    const ALIASES: &[&str] = &["offer", "ip", "click_ip", "conversion_ip", "impression_ip", "transaction_id"];
    let given = |column: Column| match column {
        Column::Text(text) => text.is_given(),
        Column::Number(number) => number.is_given(),
    };
    ALIASES.contains(&name)
        || name == time_field(kind)
        || Column::from_name(name).is_some_and(|column| given(column) && column.kinds().contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_with_a_slip_is_refused() {
        assert!(toml_like(r#"{"time":"t","fields":{"offer":"app"},"conversion":{"time":"c"}}"#).is_ok());
        assert!(toml_like(r#"{"tiem":"t"}"#).is_err());
        assert!(toml_like(r#"{"conversion":{}}"#).is_err());
    }

    fn toml_like(json: &str) -> Result<ImportMap, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn requests_travel_as_json_and_contradictions_are_refused() {
        let mut request = ImportRequest {
            integration: "abcdefghij".parse().unwrap(),
            kind: EventKind::Conversion,
            format: Format::Csv,
            map: toml_like(r#"{"fields":{"offer":"app","ofer":"x"},"conversion":{"time":"c","fields":{"revenue":"r","gaol":"g"}}}"#).ok(),
            set: vec![("sub_id".into(), "a".into())],
        };
        let json = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<ImportRequest>(&json).unwrap(), request);
        assert_eq!(request.check().unwrap_err().field, "map.conversion");
        request.kind = EventKind::Click;
        assert_eq!(request.check(), Ok(()));
        assert_eq!(request.unknown_fields(), [(EventKind::Click, "ofer"), (EventKind::Conversion, "gaol")]);
        request.format = Format::Combined;
        assert_eq!(request.check().unwrap_err().field, "map");
    }
}
