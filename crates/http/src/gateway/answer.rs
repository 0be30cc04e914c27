//! What the caller of a judged event is told.

use super::GatewayBody;
use super::trust::Disclosure;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{Either, Full};
use tollgate_domain::row::{self, Field};
use tollgate_domain::{Column, Event, EventKind, Invalid, OrganizationId, Text};
use tollgate_intake::Wishes;

/// A transparent 1×1 GIF.
const PIXEL: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
/// Appends the short verdict without its closing brace.
fn open_verdict(event: &Event, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"transaction_id\":\"");
    out.extend_from_slice(&event.id.encode());
    if !event.is_enforced_rejection() {
        out.extend_from_slice(b"\",\"status\":\"approved\"");
        return;
    }
    out.extend_from_slice(b"\",\"status\":\"rejected\"");
    if let Some(reason) = event.primary_reason() {
        out.extend_from_slice(b",\"reason\":");
        row::string(reason, out);
    }
}

/// Appends the short verdict: what the caller should do.
pub(super) fn verdict(event: &Event, out: &mut Vec<u8>) {
    open_verdict(event, out);
    out.push(b'}');
}

/// Why an event after a conversion is refused that its click does not have.
pub(super) fn no_conversion(event: &Event) -> Invalid {
    let column = if event.text(Text::EventId).is_some() { Text::EventId } else { Text::EventName };
    Invalid::new(column.name(), "needs a prior conversion: the click has none")
}

/// The fields that `wishes.fields` names, each once. `status` is part of every answer.
pub(super) fn picked(wishes: &Wishes) -> Result<Vec<(&str, Field)>, Invalid> {
    let mut picked: Vec<(&str, Field)> = Vec::new();
    for name in wishes.fields.as_deref().unwrap_or_default().split(',').filter(|name| !name.is_empty()) {
        let field = match name {
            "redirect_url" => Some(Field::Stored(Column::Text(Text::RedirectedTo))),
            _ => Field::from_name(name),
        };
        let field = field.ok_or_else(|| Invalid::new("fields", format!("{name} is not a field")))?;
        if name != "status" && !picked.iter().any(|(before, _)| *before == name) {
            picked.push((name, field));
        }
    }
    Ok(picked)
}

/// The answer to a single event.
pub(super) fn single(
    event: &Event,
    wishes: &Wishes,
    organization: OrganizationId,
    disclosure: Disclosure,
) -> Response<GatewayBody> {
    if wishes.json || wishes.fields.is_some() {
        let mut body = Vec::with_capacity(2048);
        open_verdict(event, &mut body);
        if wishes.json && matches!(disclosure, Disclosure::Full | Disclosure::Open) {
            body.extend_from_slice(b",\"event\":");
            let fields = Field::of_kind(event.kind).filter(|field| disclosure.allows(event, *field));
            row::write_fields(event, organization, fields, &mut body);
        } else if !wishes.json {
            // Unknown names were refused before the event was judged.
            let picked = picked(wishes).unwrap_or_default();
            for (name, field) in picked.into_iter().filter(|(_, field)| disclosure.allows(event, *field)) {
                body.push(b',');
                row::string(name, &mut body);
                body.push(b':');
                row::write_value(event, organization, field, &mut body);
            }
        }
        body.push(b'}');
        return json(body);
    }
    match event.kind {
        EventKind::Impression if wishes.no_redirect => empty(StatusCode::NO_CONTENT),
        EventKind::Impression => pixel(),
        EventKind::Click if !wishes.no_redirect => redirect(event),
        EventKind::Click | EventKind::Conversion => {
            let mut body = Vec::with_capacity(96);
            verdict(event, &mut body);
            json(body)
        }
    }
}

fn redirect(event: &Event) -> Response<GatewayBody> {
    let location = event.text(Text::RedirectedTo).and_then(|url| HeaderValue::from_str(url).ok());
    let Some(location) = location else { return empty(StatusCode::OK) };
    let mut response = empty(StatusCode::FOUND);
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// The image.
pub(super) fn pixel() -> Response<GatewayBody> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from_static(PIXEL))));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("image/gif"));
    no_store(response)
}

/// A status, and nothing else.
pub(super) fn empty(status: StatusCode) -> Response<GatewayBody> {
    let mut response = Response::new(Either::Left(Full::default()));
    *response.status_mut() = status;
    no_store(response)
}

/// A JSON body.
pub(super) fn json(body: Vec<u8>) -> Response<GatewayBody> {
    typed(body, "application/json")
}

/// A body of a type.
pub(super) fn typed(body: Vec<u8>, content_type: &'static str) -> Response<GatewayBody> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(body))));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    no_store(response)
}

/// A verdict is about one event: nothing may answer the next from a cache.
fn no_store(mut response: Response<GatewayBody>) -> Response<GatewayBody> {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
