//! `GET` and `POST /download-center/{integration_id}/{clicks,conversions,impressions}`: asks for a file. The vendor does
//! so with a GET that has its parameters in the query; a POST has them in its body.

use super::object::object;
use super::schema::{
    ClickExportParams, ConversionExportParams, DownloadExport, ImpressionExportParams, NewClickExport,
    NewConversionExport, NewImpressionExport,
};
use super::{body, request, unavailable};
use crate::ApiState;
use crate::auth::{Caller, Reader, Writer};
use crate::body::{pairs, read_object};
use crate::clickshield::integrations::find;
use crate::clickshield::schema::{BodyProblem, FormFields, MissingProblem, QueryProblem};
use crate::clickshield::{Answer, Failure, Params};
use crate::error::{ApiError, Code};
use crate::origin::Origin;
use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::IntoResponse;
use tollgate_domain::EventKind;
use tollgate_jobs::exports::AskError;

/// Ask for a file of clicks
///
/// It is written in the background; the answer says how far it is, and later reads where it can be downloaded.
#[utoipa::path(
    get,
    path = "/download-center/{integration_id}/clicks",
    operation_id = "download_clicks",
    tag = "Download center",
    params(("integration_id" = String, Path, description = "The integration's id."), ClickExportParams),
    responses(
        (status = 200, description = "The export.", body = DownloadExport),
        QueryProblem,
        MissingProblem,
    ),
)]
pub(super) async fn get_clicks(ByQuery(asked): ByQuery) -> Answer {
    asked.create(EventKind::Click).await
}

/// Ask for a file of conversions
///
/// It is written in the background; the answer says how far it is, and later reads where it can be downloaded.
#[utoipa::path(
    get,
    path = "/download-center/{integration_id}/conversions",
    operation_id = "download_conversions",
    tag = "Download center",
    params(("integration_id" = String, Path, description = "The integration's id."), ConversionExportParams),
    responses(
        (status = 200, description = "The export.", body = DownloadExport),
        QueryProblem,
        MissingProblem,
    ),
)]
pub(super) async fn get_conversions(ByQuery(asked): ByQuery) -> Answer {
    asked.create(EventKind::Conversion).await
}

/// Ask for a file of impressions
///
/// It is written in the background; the answer says how far it is, and later reads where it can be downloaded.
#[utoipa::path(
    get,
    path = "/download-center/{integration_id}/impressions",
    operation_id = "download_impressions",
    tag = "Download center",
    params(("integration_id" = String, Path, description = "The integration's id."), ImpressionExportParams),
    responses(
        (status = 200, description = "The export.", body = DownloadExport),
        QueryProblem,
        MissingProblem,
    ),
)]
pub(super) async fn get_impressions(ByQuery(asked): ByQuery) -> Answer {
    asked.create(EventKind::Impression).await
}

/// Ask for a file of clicks in a body
///
/// As the GET of this path does with its query.
#[utoipa::path(
    post,
    path = "/download-center/{integration_id}/clicks",
    operation_id = "create_click_export",
    tag = "Download center",
    params(("integration_id" = String, Path, description = "The integration's id.")),
    request_body(content((NewClickExport = "application/json"), (FormFields = "application/x-www-form-urlencoded"))),
    responses(
        (status = 201, description = "The export.", body = DownloadExport),
        BodyProblem,
        MissingProblem,
    ),
)]
pub(super) async fn post_clicks(ByBody(asked): ByBody) -> Answer {
    asked.create(EventKind::Click).await
}

/// Ask for a file of conversions in a body
///
/// As the GET of this path does with its query.
#[utoipa::path(
    post,
    path = "/download-center/{integration_id}/conversions",
    operation_id = "create_conversion_export",
    tag = "Download center",
    params(("integration_id" = String, Path, description = "The integration's id.")),
    request_body(content((NewConversionExport = "application/json"), (FormFields = "application/x-www-form-urlencoded"))),
    responses(
        (status = 201, description = "The export.", body = DownloadExport),
        BodyProblem,
        MissingProblem,
    ),
)]
pub(super) async fn post_conversions(ByBody(asked): ByBody) -> Answer {
    asked.create(EventKind::Conversion).await
}

/// Ask for a file of impressions in a body
///
/// As the GET of this path does with its query.
#[utoipa::path(
    post,
    path = "/download-center/{integration_id}/impressions",
    operation_id = "create_impression_export",
    tag = "Download center",
    params(("integration_id" = String, Path, description = "The integration's id.")),
    request_body(content((NewImpressionExport = "application/json"), (FormFields = "application/x-www-form-urlencoded"))),
    responses(
        (status = 201, description = "The export.", body = DownloadExport),
        BodyProblem,
        MissingProblem,
    ),
)]
pub(super) async fn post_impressions(ByBody(asked): ByBody) -> Answer {
    asked.create(EventKind::Impression).await
}

/// What was asked for, by whom.
pub(super) struct Asked {
    state: ApiState,
    caller: Caller,
    integration: String,
    origin: Origin,
    parameters: Vec<(String, String)>,
    /// How it is answered.
    status: StatusCode,
}

/// Parameters in the query.
pub(super) struct ByQuery(Asked);

/// Parameters in the body; those in the query count as well.
pub(super) struct ByBody(Asked);

impl FromRequestParts<ApiState> for ByQuery {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Failure> {
        let Reader(caller) = Reader::from_request_parts(parts, state).await?;
        // A HEAD asks what a GET would answer, and must make nothing.
        if parts.method == Method::HEAD {
            return Err(ApiError::new(Code::MethodNotAllowed).into());
        }
        Ok(Self(Asked::of(parts, state, caller, StatusCode::OK).await?))
    }
}

impl FromRequest<ApiState> for ByBody {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let Writer(caller) = Writer::from_request_parts(&mut parts, state).await?;
        let mut asked = Asked::of(&mut parts, state, caller, StatusCode::CREATED).await?;
        // Another organization's integration does not exist, whatever the body is.
        find(&asked.caller, &asked.integration)?;
        let (body, encoding) = read_object(Request::from_parts(parts, body)).await?;
        asked.parameters.extend(body::pairs(&body, encoding).map_err(ApiError::invalid)?);
        Ok(Self(asked))
    }
}

impl Asked {
    async fn of(
        parts: &mut Parts,
        state: &ApiState,
        caller: Caller,
        status: StatusCode,
    ) -> Result<Self, Failure> {
        let Params(integration) = Params::<String>::from_request_parts(parts, state).await?;
        let parameters = pairs(parts.uri.query().unwrap_or_default().as_bytes())
            .map_err(|why| ApiError::because(Code::MalformedQuery, why))?;
        let origin = Origin::of(parts, state);
        Ok(Self { state: state.clone(), caller, integration, origin, parameters, status })
    }

    async fn create(self, kind: EventKind) -> Answer {
        let id = find(&self.caller, &self.integration)?.id;
        let snapshot = self.state.catalog.snapshot();
        let entry = snapshot.integration(id).ok_or_else(|| ApiError::new(Code::NotFound))?;
        let request = request::read(self.parameters, kind, entry, self.state.catalog.now())?;
        let asked = self.state.exports.ask(request, &self.caller.actor().to_string()).await;
        let export = asked.map_err(refused)?;
        Ok((self.status, Json(object(&export, None, &self.origin))).into_response())
    }
}

/// Why a request is not taken up.
pub(crate) fn refused(error: AskError) -> ApiError {
    match error {
        AskError::Invalid(invalid) => ApiError::invalid(vec![invalid]),
        AskError::TooManyWaiting(_) | AskError::TooManyKept(_) => ApiError {
            retry_after: Some(RETRY_AFTER),
            ..ApiError::because(Code::TooManyRequests, error.to_string())
        },
        AskError::Store(error) => unavailable(&error),
    }
}

/// Seconds after which one of many waiting exports may be done.
const RETRY_AFTER: u32 = 30;
