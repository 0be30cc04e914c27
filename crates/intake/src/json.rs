//! Events sent as JSON objects: each member is a parameter, whatever its JSON type.

use crate::parameters::Parameters;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use tollgate_domain::Invalid;

/// Takes every member of the object in `json` as a parameter of `to`: strings as they are, numbers and booleans as
/// they are written, null as absent. Arrays and objects are kept as extra parameters. `skip` names members that the
/// caller has dealt with. Values that are not legal become errors of `to`; malformed JSON is an error here.
pub fn set_from_json(to: &mut impl Parameters, json: &[u8], skip: &[&str]) -> Result<(), Invalid> {
    each_member(json, |name, member| match member {
        _ if skip.contains(&name) => {}
        Member::Plain(value) => to.set(name, value),
        Member::Deep(json) => to.set_json(name, json),
    })
}

/// A member's value that is not null.
pub(crate) enum Member<'a> {
    /// A string's text, or a number or boolean as it is written.
    Plain(&'a str),
    /// An array or object as it is written.
    Deep(&'a str),
}

/// Calls `take` with every member of the object in `json` that is not null, in order.
pub(crate) fn each_member(json: &[u8], take: impl FnMut(&str, Member<'_>)) -> Result<(), Invalid> {
    let text = std::str::from_utf8(json).map_err(|_| Invalid::new("body", "is not UTF-8"))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Members(take)
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| Invalid::new("body", format!("is not a JSON object: {error}")))
}

struct Members<F>(F);

impl<'de, F: FnMut(&str, Member<'_>)> DeserializeSeed<'de> for Members<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(&str, Member<'_>)> Visitor<'de> for Members<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((BorrowedName(name), value)) = map.next_entry::<BorrowedName<'de>, &'de RawValue>()? {
            let raw = value.get();
            match raw.as_bytes().first() {
                Some(b'"') => {
                    let text = string(raw).map_err(A::Error::custom)?;
                    (self.0)(&name, Member::Plain(&text));
                }
                Some(b'{' | b'[') => (self.0)(&name, Member::Deep(raw)),
                Some(b'n') => {}
                _ => (self.0)(&name, Member::Plain(raw)),
            }
        }
        Ok(())
    }
}

/// A JSON string's text, borrowed when nothing in it is escaped.
fn string(raw: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    let inner = &raw[1..raw.len() - 1];
    if inner.contains('\\') {
        serde_json::from_str::<String>(raw).map(Cow::Owned)
    } else {
        Ok(Cow::Borrowed(inner))
    }
}

#[derive(serde::Deserialize)]
struct BorrowedName<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Draft;
    use tollgate_domain::{EventKind, Number, Text, Timestamp};

    fn read(json: &str) -> Result<Draft, String> {
        let mut draft = Draft::new(EventKind::Click, "abcdefghij".parse().unwrap());
        set_from_json(&mut draft, json.as_bytes(), &["kind"]).map_err(|error| error.to_string())?;
        match draft.finish(Timestamp::from_millis(1_700_000_000_000)) {
            Ok(()) => Ok(draft),
            Err(errors) => Err(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        }
    }

    #[test]
    fn members_of_any_type_are_parameters() {
        let draft =
            read(r#"{"kind":"click","offer":"a\"b","payout":1.5,"click_time":1699999999,"deep":{"x":[1]},"y":true,"z":null}"#)
                .unwrap();
        assert_eq!(draft.event.text(Text::OfferId), Some("a\"b"));
        assert_eq!(draft.event.number(Number::Payout), Some(1_500_000));
        assert_eq!(draft.event.text(Text::ExtraParameters), Some(r#"{"deep":{"x":[1]},"y":"true"}"#));
    }

    #[test]
    fn what_is_not_an_object_is_refused() {
        for json in ["", "[]", "1", "{", r#"{"a":}"#, r#"{"a":1} x"#, "\u{0}"] {
            assert!(read(json).unwrap_err().starts_with("body: "), "{json}");
        }
        assert!(
            set_from_json(
                &mut Draft::new(EventKind::Click, "abcdefghij".parse().unwrap()),
                b"{\"a\":\"\xff\"}",
                &[]
            )
            .is_err()
        );
    }
}
