//! Domain names in bodies: of developers, of ad systems.

use crate::fields::{Fields, Given};
use tollgate_domain::Invalid;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

/// The rule as a pattern, but for the length of the whole.
const PATTERN: &str =
    "^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$";
const LENGTH: usize = 253;

/// Reads a domain name, in lower case. An address of a machine is none.
pub(super) fn read(fields: &mut Fields, name: &str) -> Given<String> {
    fields.parsed(name, |place, text| match is_domain_name(text) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(Invalid::new(place, "must be a domain name, such as example.com")),
    })
}

/// What the document says of one.
pub(super) fn schema() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .pattern(Some(PATTERN))
        .max_length(Some(LENGTH))
}

/// What the document says of one that may be null.
pub(super) fn nullable_schema() -> ObjectBuilder {
    schema().schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

fn is_domain_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let ends_as_a_name = |(_, last): (&str, &str)| last.starts_with(|c: char| c.is_ascii_alphabetic());
    text.len() <= LENGTH && text.split('.').all(label) && text.rsplit_once('.').is_some_and(ends_as_a_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_what_is_none() {
        for text in ["example.com", "a.b-c.museum", "1.example", "xn--bcher-kva.example"] {
            assert!(is_domain_name(text), "{text}");
        }
        let long = format!("{}.com", "a.".repeat(130));
        for text in [
            "",
            "com",
            "127.0.0.1",
            "a..b",
            ".com",
            "a.com.",
            "-a.com",
            "a-.com",
            "a_b.com",
            "ä.com",
            "a.com/x",
            &long,
        ] {
            assert!(!is_domain_name(text), "{text}");
        }
    }
}
