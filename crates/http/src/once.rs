//! `Idempotency-Key`: a creation that is sent again with the same key is not done again; its first answer is given once
//! more, with `Idempotent-Replayed: true`. A key holds for a day, for one credential, method and path; with another body
//! it is 422. What failed is not remembered. Never for answers that hold a secret: answers are stored as they are.
//!
//! A handler takes [`Once`] among its arguments, after the one that says who calls and before the body:
//!
//! ```ignore
//! pub(super) async fn handle(
//!     State(state): State<ApiState>,
//!     client: Client,
//!     once: Once,
//!     request: Request,
//! ) -> Answer {
//!     let (body, encoding) = read_object(request).await?;
//!     let once = once.of(&body);
//!     let change = AppChange::read(Fields::new(body, encoding));
//!     // … 400 when the body breaks rules …
//!     let (organization, actor) = (client.organization_id(), client.actor());
//!     once.write(&state, organization, &actor, |draft| create(draft, &change), |id, organization| {
//!         // The organization as it is after the write, so the metadata is final.
//!         Reply::stored(StatusCode::CREATED, organization.get::<App>(&id), app_object)
//!     })
//!     .await
//! }
//! ```
//!
//! and its `#[utoipa::path]` says `params(OnceParams)` and `(status = 422, …)`.

#[cfg(test)]
mod tests;

use crate::ApiState;
use crate::error::{ApiError, Code, Dialect, Place};
use crate::etag::tag;
use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use tollgate_catalog::{
    Actor, Catalog, Digest, Draft, KeptAnswer, OrganizationSnapshot, Refused, Stored, WriteError, Written,
};
use tollgate_domain::{Invalid, OrganizationId};
use utoipa::IntoParams;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is that of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What the document says of the header.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(crate) struct OnceParams {
    /// Makes it safe to send the request again: for 24 hours the same key and body get the first answer, with
    /// `Idempotent-Replayed: true`.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]+$",
        nullable = false
    )]
    idempotency_key: Option<String>,
}

/// The key of a request, if it has one, and the method and path it is for. As an extractor it refuses a malformed key with
/// 400 in the dialect of the path.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    route: String,
    key: Option<String>,
}

impl Once {
    /// The key together with the body it is for. The order of the body's fields and the space between them do not matter.
    pub(crate) fn of(self, body: &Map<String, Value>) -> OnceBody {
        // A map of plain values can always be written.
        self.of_text(&serde_json::to_string(body).unwrap_or_default())
    }

    /// The key of a request, or why it cannot be read: for handlers that have words of their own for that.
    pub(crate) fn of_request<B>(request: &axum::http::Request<B>) -> Result<Self, ApiError> {
        Self::named(request.headers(), &format!("{} {}", request.method(), request.uri().path()))
    }

    /// The key of a request that is the same whatever its path says: `route` says what it asks for.
    pub(crate) fn named(headers: &HeaderMap, route: &str) -> Result<Self, ApiError> {
        Ok(Self { route: route.to_owned(), key: Self::read(headers)? })
    }

    /// The same for a body that is text.
    pub(crate) fn of_text(self, body: &str) -> OnceBody {
        let Self { route, key } = self;
        OnceBody(key.map(|key| tollgate_catalog::Once { route, key, request: Digest::of(body) }))
    }

    fn read(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
        let mut values = headers.get_all(&KEY).iter();
        let (Some(value), next) = (values.next(), values.next()) else { return Ok(None) };
        let legal =
            |key: &&str| (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        match value.to_str().ok().filter(legal) {
            Some(key) if next.is_none() => Ok(Some(key.to_owned())),
            _ => Err(ApiError {
                errors: vec![Invalid::new(
                    "Idempotency-Key",
                    "must be given once, 1 to 255 visible ASCII characters",
                )],
                place: Place::Header,
                ..ApiError::because(Code::InvalidParameters, "The header Idempotency-Key cannot be read.")
            }),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Once {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        // Nested routers see a part of the path only.
        let Ok(OriginalUri(uri)) = OriginalUri::from_request_parts(parts, state).await;
        let key = Self::read(&parts.headers).map_err(|error| error.respond(Dialect::of(uri.path())))?;
        Ok(Self { route: format!("{} {}", parts.method, uri.path()), key })
    }
}

/// A key, if there is one, with the body it is for.
#[derive(Debug, Clone)]
pub(crate) struct OnceBody(Option<tollgate_catalog::Once>);

impl OnceBody {
    /// Changes an organization once: `change` is that of [`tollgate_catalog::Catalog::write`], `reply` makes the answer
    /// from what it made and from the organization as it is afterwards.
    pub(crate) async fn write<T, E: From<ApiError> + From<WriteError>>(
        &self,
        state: &ApiState,
        organization: OrganizationId,
        actor: &Actor,
        change: impl FnMut(&mut Draft<'_>) -> Result<T, Refused>,
        reply: impl FnOnce(T, &OrganizationSnapshot) -> Reply,
    ) -> Result<Response, E> {
        self.write_in(&state.catalog, organization, actor, change, reply).await
    }

    /// The same in this catalog.
    pub(crate) async fn write_in<T, E: From<ApiError> + From<WriteError>>(
        &self,
        catalog: &Catalog,
        organization: OrganizationId,
        actor: &Actor,
        change: impl FnMut(&mut Draft<'_>) -> Result<T, Refused>,
        reply: impl FnOnce(T, &OrganizationSnapshot) -> Reply,
    ) -> Result<Response, E> {
        let answer = |made: T, organization: &OrganizationSnapshot| reply(made, organization).kept();
        match catalog.write_once(organization, actor, self.0.as_ref(), change, answer).await? {
            Written::Now(kept) => Ok(Reply::from(kept).into_response()),
            Written::Before(kept) => {
                let mut response = Reply::from(kept).into_response();
                response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
                Ok(response)
            }
            Written::KeyReused => Err(ApiError::new(Code::KeyReused).into()),
        }
    }
}

/// An answer that can be stored and given again.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
}

impl Reply {
    /// A JSON body.
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self::of(status, body),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written");
                Self { status: StatusCode::INTERNAL_SERVER_ERROR, headers: Vec::new(), body: Vec::new() }
            }
        }
    }

    /// JSON that is written already.
    pub(crate) fn written(status: StatusCode, body: String) -> Self {
        Self::of(status, body.into_bytes())
    }

    fn of(status: StatusCode, body: Vec<u8>) -> Self {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        Self { status, headers, body }
    }

    /// One object with its `ETag`, as `body` writes it. The object is the one that was just made, so it is there.
    pub(crate) fn stored<'a, T, B: Serialize>(
        status: StatusCode,
        stored: Option<&'a Arc<Stored<T>>>,
        body: impl FnOnce(&'a Stored<T>) -> B,
    ) -> Self {
        match stored {
            Some(stored) => Self::json(status, &body(stored)).tagged(stored.meta.version),
            None => Self::json(status, &Value::Null),
        }
    }

    /// The same with the `ETag` of a version.
    pub(crate) fn tagged(mut self, version: u64) -> Self {
        self.headers.push((ETAG, tag(version)));
        self
    }

    fn kept(self) -> KeptAnswer {
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
        KeptAnswer {
            status: self.status.as_u16(),
            headers: self.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: self.body,
        }
    }
}

impl From<KeptAnswer> for Reply {
    /// Only what [`Reply::kept`] wrote is read, so nothing is lost.
    fn from(kept: KeptAnswer) -> Self {
        let header = |(name, value): (String, String)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        };
        Self {
            status: StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK),
            headers: kept.headers.into_iter().filter_map(header).collect(),
            body: kept.body,
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        headers.remove(CONTENT_TYPE);
        headers.extend(self.headers);
        response
    }
}
