//! Rows encoded one by one from events: what exports are compared with.

use super::shape::{Extra, Shape};
use super::{Encoding, Format};
use tollgate_domain::row::Value;
use tollgate_domain::{Event, Text};

/// The file that holds these events.
pub(super) fn file(encoding: &Encoding, events: &[Event]) -> Vec<u8> {
    assert_ne!(encoding.format, Format::Parquet);
    let shape = Shape::of(encoding).unwrap();
    let mut out = shape.header().to_vec();
    for event in events {
        let fields = encoding.fields.iter().map(|field| Value::of(event, &encoding.organization, *field));
        let extra = Extra::of(event.text(Text::ExtraParameters));
        let extra = encoding.extra_parameters.iter().map(|name| extra.value(name));
        for (column, value) in fields.chain(extra).enumerate() {
            shape.put(column, value, &mut out);
        }
    }
    out
}
