//! Bodies of requests, with a limit to their size and their time; those of the management API are at most 1 MiB, JSON or
//! form, read into a JSON object. Duplicate keys are refused, since readers disagree about which one counts.

use crate::error::{ApiError, Code};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body;
use percent_encoding::percent_decode;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Bytes a body may have.
pub const BODY_LIMIT: usize = 1 << 20;
/// Time a body has to arrive.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(30);

/// How a body was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/json`
    Json,
    /// `application/x-www-form-urlencoded`: every value is text or a list of texts.
    Form,
}

/// Reads a body as an object. No body at all is an empty object.
pub async fn read_object(request: Request) -> Result<(Map<String, Value>, Encoding), ApiError> {
    let encoding = content_type(request.headers());
    let bytes = read(request.into_body(), BODY_LIMIT, BODY_TIME).await?;
    match encoding? {
        None if bytes.is_empty() => Ok((Map::new(), Encoding::Json)),
        None => Err(ApiError::new(Code::UnsupportedMediaType)),
        Some(Encoding::Json) => Ok((json_object(&bytes)?, Encoding::Json)),
        Some(Encoding::Form) => Ok((form_object(&bytes)?, Encoding::Form)),
    }
}

/// Reads a JSON body as an object, where no other encoding is taken and there must be one.
pub(crate) async fn read_json_object(request: Request) -> Result<Map<String, Value>, ApiError> {
    let encoding = content_type(request.headers());
    let bytes = read(request.into_body(), BODY_LIMIT, BODY_TIME).await?;
    match encoding {
        Ok(Some(Encoding::Json)) => json_object(&bytes),
        Ok(None) if bytes.is_empty() => {
            Err(ApiError::because(Code::MalformedBody, "There is no body; it must be a JSON object."))
        }
        _ => Err(ApiError::because(Code::UnsupportedMediaType, "The body must be application/json.")),
    }
}

/// How the body is written, where the headers say it.
pub(crate) fn content_type(headers: &HeaderMap) -> Result<Option<Encoding>, ApiError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(Some(Encoding::Json))
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Ok(Some(Encoding::Form))
    } else {
        Err(ApiError::new(Code::UnsupportedMediaType))
    }
}

/// Reads a body of at most `limit` bytes that arrives within `time`.
pub(crate) async fn read<B>(body: B, limit: usize, time: Duration) -> Result<Bytes, ApiError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match tokio::time::timeout(time, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(ApiError::because(Code::BodyTooLarge, format!("The body is larger than {limit} bytes.")))
        }
        Ok(Err(_)) => Err(ApiError::because(Code::MalformedBody, "The body ended before it was complete.")),
        Err(_) => Err(ApiError::new(Code::RequestTimeout)),
    }
}

fn json_object(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    match parse_json(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(ApiError::because(Code::MalformedBody, "The body must be a JSON object.")),
        Err(error) => {
            Err(ApiError::because(Code::MalformedBody, format!("The body is not legal JSON: {error}.")))
        }
    }
}

fn form_object(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let mut map = Map::new();
    let pairs = pairs(bytes).map_err(|why| ApiError::because(Code::MalformedBody, why))?;
    for (name, value) in pairs {
        let value = Value::String(value);
        match name.strip_suffix("[]") {
            Some(list) => match map.entry(list).or_insert_with(|| Value::Array(Vec::new())) {
                Value::Array(values) => values.push(value),
                _ => return Err(repeated(list)),
            },
            None => {
                if map.insert(name.clone(), value).is_some() {
                    return Err(repeated(&name));
                }
            }
        }
    }
    Ok(map)
}

fn repeated(name: &str) -> ApiError {
    let field =
        tollgate_domain::Invalid::new(name, "is given more than once; lists are written name[]=value");
    ApiError {
        errors: vec![field],
        ..ApiError::because(Code::MalformedBody, "A field is given more than once.")
    }
}

/// The pairs of a query string or a form, decoded. What is not UTF-8 is refused, never replaced.
pub fn pairs(bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    bytes
        .split(|byte| *byte == b'&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = match part.iter().position(|byte| *byte == b'=') {
                Some(at) => (&part[..at], &part[at + 1..]),
                None => (part, &[][..]),
            };
            let name = decode(name).ok_or("A parameter's name is not UTF-8.")?;
            let value = decode(value).ok_or_else(|| format!("The value of {name} is not UTF-8."))?;
            Ok((name.into_owned(), value.into_owned()))
        })
        .collect()
}

/// The members of a JSON object as pairs of a query string: numbers and truth values as they are written, a list once for
/// each item, nothing for null.
pub(crate) fn json_pairs(bytes: &[u8]) -> Result<Vec<(String, String)>, ApiError> {
    let mut all = Vec::new();
    for (name, value) in json_object(bytes)? {
        let values = if let Value::Array(values) = value { values } else { vec![value] };
        for value in values {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text,
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    let why = format!("{name} must be a text, a number, true or false, or a list of these.");
                    return Err(ApiError::because(Code::MalformedBody, why));
                }
            };
            all.push((name.clone(), text));
        }
    }
    Ok(all)
}

/// A percent-decoded piece of a query or form, with `+` as a space; `None` when it is not UTF-8.
pub(crate) fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    if !bytes.iter().any(|b| matches!(b, b'%' | b'+')) {
        return std::str::from_utf8(bytes).ok().map(Cow::Borrowed);
    }
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8().ok().map(|text| Cow::Owned(text.into_owned()))
}

/// Parses JSON, refusing objects that have a key twice.
pub fn parse_json(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Builds a [`Value`] and looks at every key.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Value::deserialize(de::value::F64Deserializer::new(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = access.next_element_seed(Strict)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(Strict)?;
            if map.contains_key(&key) {
                return Err(de::Error::custom(format_args!("key {key:?} is given more than once")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_read_whole_or_not_at_all() {
        let text = br#"{"a":[1,-2,2.5,"x",null,true],"b":{"c":{}}}"#;
        assert_eq!(parse_json(text).unwrap(), json!({"a": [1, -2, 2.5, "x", null, true], "b": {"c": {}}}));
        for text in [r#"{"a":1,"a":2}"#, r#"{"b":{"a":1,"a":1}}"#, "{", "{} {}", "", "1e999", "{'a':1}"] {
            assert!(parse_json(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse_json("[".repeat(100_000).as_bytes()).is_err());
    }

    #[tokio::test]
    async fn where_json_is_asked_for_nothing_else_will_do() {
        let read = async |kind: Option<&str>, body: &'static str| {
            let mut request = Request::new(axum::body::Body::from(body));
            if let Some(kind) = kind {
                request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
            }
            read_json_object(request).await.map_err(|error| error.code)
        };
        assert_eq!(read(Some("application/json;charset=UTF-8"), "{}").await, Ok(Map::new()));
        for (kind, body) in [(None, ""), (Some("application/json"), ""), (Some("application/json"), "[]")] {
            assert_eq!(read(kind, body).await, Err(Code::MalformedBody), "{kind:?} {body}");
        }
        for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
            assert_eq!(read(kind, "{}").await, Err(Code::UnsupportedMediaType), "{kind:?}");
        }
    }

    #[tokio::test]
    async fn a_body_has_so_many_bytes_and_so_much_time() {
        let whole = http_body_util::Full::new(Bytes::from_static(b"12345"));
        let read_within = |limit| read(whole.clone(), limit, BODY_TIME);
        assert_eq!(read_within(5).await.unwrap(), &b"12345"[..]);
        assert_eq!(read_within(4).await.unwrap_err().code, Code::BodyTooLarge);
        assert_eq!(read(Never, 5, Duration::from_millis(5)).await.unwrap_err().code, Code::RequestTimeout);
    }

    /// A caller who sends nothing.
    struct Never;
    impl Body for Never {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            std::task::Poll::Pending
        }
    }

    #[test]
    fn pairs_are_decoded_and_must_be_utf8() {
        let read = pairs(b"page%5Bsize%5D=25&a=b+c%2B&&flag&x=%C3%A4=").unwrap();
        let expected = [("page[size]", "25"), ("a", "b c+"), ("flag", ""), ("x", "ä=")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(pairs(b"a=%FF").unwrap_err().contains('a'));
    }

    #[test]
    fn forms_write_lists_with_brackets() {
        let map = form_object(b"name=n&offer_ids[]=1&offer_ids%5B%5D=2").unwrap();
        assert_eq!(Value::Object(map), json!({"name": "n", "offer_ids": ["1", "2"]}));
        for twice in ["name=a&name=b", "a[]=1&a=2", "a=1&a[]=2"] {
            assert!(form_object(twice.as_bytes()).is_err(), "{twice}");
        }
    }
}
