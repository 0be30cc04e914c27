//! What stands around a row's values and how each is written, in CSV and in NDJSON.

use super::{Encoding, Format};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use tollgate_domain::row::{Value, string};

/// The shape of a file of text.
pub(super) struct Shape {
    form: Form,
    /// What stands before and after the value of each column.
    around: Vec<(Vec<u8>, Vec<u8>)>,
    header: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Form {
    Csv(Cells),
    Ndjson,
}

/// How cells of CSV are written.
#[derive(Clone, Copy)]
struct Cells {
    delimiter: u8,
    safe: bool,
    /// Whether no number, time or id has the delimiter.
    direct: bool,
}

impl Shape {
    /// The shape of CSV or NDJSON; `None` for what is no text.
    pub(super) fn of(encoding: &Encoding) -> Option<Self> {
        let last = encoding.names().count() - 1;
        let mut header = Vec::new();
        let (form, around) = match encoding.format {
            Format::Csv { delimiter, safe_cells } => {
                let direct = !delimiter.is_ascii_alphanumeric() && !b"+-.:".contains(&delimiter);
                let cells = Cells { delimiter, safe: safe_cells, direct };
                let after = |n| if n == last { b"\r\n".to_vec() } else { vec![delimiter] };
                let around: Vec<_> = (0..=last).map(|n| (Vec::new(), after(n))).collect();
                for (name, (_, after)) in encoding.names().zip(&around) {
                    cells.write(Value::Text(name), &mut header);
                    header.extend_from_slice(after);
                }
                (Form::Csv(cells), around)
            }
            Format::Ndjson => {
                let around = encoding.names().enumerate().map(|(n, name)| {
                    let mut before = vec![if n == 0 { b'{' } else { b',' }];
                    string(name, &mut before);
                    before.push(b':');
                    (before, if n == last { b"}\n".to_vec() } else { Vec::new() })
                });
                (Form::Ndjson, around.collect())
            }
            Format::Parquet => return None,
        };
        Some(Self { form, around, header })
    }

    /// What stands before the first row.
    pub(super) fn header(&self) -> &[u8] {
        &self.header
    }

    /// Appends the value of the column at `column` with what stands around it.
    #[inline]
    pub(super) fn put(&self, column: usize, value: Value<'_>, out: &mut Vec<u8>) {
        let (before, after) = &self.around[column];
        out.extend_from_slice(before);
        match self.form {
            Form::Csv(cells) => cells.write(value, out),
            Form::Ndjson => value.write_json(out),
        }
        out.extend_from_slice(after);
    }
}

impl Cells {
    #[inline]
    fn write(self, value: Value<'_>, out: &mut Vec<u8>) {
        match value {
            Value::Null => {}
            Value::Text(text) => self.text(text.as_bytes(), self.safe, out),
            Value::Json(json) => self.text(json.as_bytes(), false, out),
            value if self.direct => value.write_plain(out),
            value => {
                let mut plain = Vec::with_capacity(32);
                value.write_plain(&mut plain);
                self.text(&plain, false, out);
            }
        }
    }

    #[inline]
    fn text(self, text: &[u8], safe: bool, out: &mut Vec<u8>) {
        let is_formula = safe && matches!(text.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'));
        let needs_quotes =
            |byte: u8| (byte == self.delimiter) | (byte == b'"') | (byte == b'\r') | (byte == b'\n');
        // Without an early end, so that many bytes are compared at once.
        let quoted = text.iter().fold(false, |found, byte| found | needs_quotes(*byte))
            || (is_formula && self.delimiter == b'\'');
        if quoted {
            out.push(b'"');
        }
        if is_formula {
            out.push(b'\'');
        }
        if !quoted {
            return out.extend_from_slice(text);
        }
        for byte in text {
            if *byte == b'"' {
                out.push(b'"');
            }
            out.push(*byte);
        }
        out.push(b'"');
    }
}

/// The parameters of one row that have no column of their own.
pub(super) struct Extra<'a>(HashMap<Cow<'a, str>, Parameter<'a>>);

enum Parameter<'a> {
    Text(Cow<'a, str>),
    Other(&'a str),
}

impl<'a> Extra<'a> {
    /// Those of a row's `extra_parameters`, none when it has none.
    pub(super) fn of(json: Option<&'a str>) -> Self {
        let all: HashMap<Cow<'a, str>, &'a RawValue> =
            json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        let read = |raw: &'a str| match serde_json::from_str::<Borrowed>(raw) {
            Ok(Borrowed(text)) => Parameter::Text(text),
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
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);
