//! Rows encoded one by one from events.

use super::{Encoding, Format};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use tollgate_domain::row::{Value, string};
use tollgate_domain::{Event, Invalid, Text};

/// Turns events into the bytes of a file, from its beginning on.
pub(super) struct RowEncoder<'a> {
    encoding: &'a Encoding,
    out: Vec<u8>,
    cell: Vec<u8>,
}

impl<'a> RowEncoder<'a> {
    /// With the header row, where the format has one.
    pub(super) fn new(encoding: &'a Encoding) -> Result<Self, Invalid> {
        let mut encoder = Self { encoding, out: Vec::new(), cell: Vec::new() };
        match encoding.format {
            Format::Csv { delimiter, safe_cells } => {
                for (n, name) in encoding.names().enumerate() {
                    if n > 0 {
                        encoder.out.push(delimiter);
                    }
                    cell(Value::Text(name), delimiter, safe_cells, &mut encoder.cell, &mut encoder.out);
                }
                encoder.out.extend_from_slice(b"\r\n");
            }
            Format::Ndjson => {}
            Format::Parquet => {
                return Err(Invalid::new("format", "parquet cannot be written yet; known are csv, ndjson"));
            }
        }
        Ok(encoder)
    }

    /// Appends a row.
    pub(super) fn push(&mut self, event: &Event) {
        let extra = Extra::of(event.text(Text::ExtraParameters).unwrap_or_default());
        let Encoding { fields, organization, extra_parameters, format } = self.encoding;
        let fields = fields.iter().map(|field| Value::of(event, organization, *field));
        let values = fields.chain(extra_parameters.iter().map(|name| extra.value(name)));
        match *format {
            Format::Csv { delimiter, safe_cells } => {
                for (n, value) in values.enumerate() {
                    if n > 0 {
                        self.out.push(delimiter);
                    }
                    cell(value, delimiter, safe_cells, &mut self.cell, &mut self.out);
                }
                self.out.extend_from_slice(b"\r\n");
            }
            _ => {
                for (n, (name, value)) in self.encoding.names().zip(values).enumerate() {
                    self.out.push(if n > 0 { b',' } else { b'{' });
                    string(name, &mut self.out);
                    self.out.push(b':');
                    value.write_json(&mut self.out);
                }
                self.out.extend_from_slice(b"}\n");
            }
        }
    }

    /// What was encoded since it was taken last.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

/// Appends a cell, quoted where it must be. `scratch` is room for its characters.
pub(super) fn cell(
    value: Value<'_>,
    delimiter: u8,
    safe_cells: bool,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    scratch.clear();
    value.write_plain(scratch);
    let is_formula = matches!(scratch.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'));
    if safe_cells && is_formula && matches!(value, Value::Text(_)) {
        scratch.insert(0, b'\'');
    }
    let must_be_quoted = |byte: &u8| *byte == delimiter || matches!(byte, b'"' | b'\r' | b'\n');
    if !scratch.iter().any(must_be_quoted) {
        return out.extend_from_slice(scratch);
    }
    out.push(b'"');
    for byte in scratch {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

/// The parameters of one row that have no column of their own.
pub(super) struct Extra<'a>(HashMap<Cow<'a, str>, Parameter<'a>>);

enum Parameter<'a> {
    Text(Cow<'a, str>),
    Other(&'a str),
}

impl<'a> Extra<'a> {
    /// Those of a row's `extra_parameters`, none when it has none.
    pub(super) fn of(json: &'a str) -> Self {
        let all: HashMap<Cow<'a, str>, &'a RawValue> = serde_json::from_str(json).unwrap_or_default();
        let read = |raw: &'a str| match serde_json::from_str::<Owned>(raw) {
            Ok(Owned(text)) => Parameter::Text(text),
            Err(_) => Parameter::Other(raw),
        };
        Self(all.into_iter().map(|(name, raw)| (name, read(raw.get()))).collect())
    }

    /// The value of one of them; null when there is none of the name.
    pub(super) fn value(&self, name: &str) -> Value<'_> {
        match self.0.get(name) {
            None | Some(Parameter::Other("null")) => Value::Null,
            Some(Parameter::Text(text)) => Value::Text(text),
            Some(Parameter::Other(json)) => Value::Json(json),
        }
    }
}

/// A text that is borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Owned<'a>(#[serde(borrow)] Cow<'a, str>);
