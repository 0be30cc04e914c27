//! `/privacy-requests`: one person's events are deleted, and the certificate of it stays to be read.

use super::auth::Principal;
use super::schema::{BodyProblem, MissingProblem};
use super::{Answer, Failure, Params};
use crate::ApiState;
use crate::body::{Encoding, read_json_object};
use crate::error::{ApiError, Code};
use crate::fields::Fields;
use crate::fields::TEXT_PATTERN;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::{Map, Value};
use tollgate_domain::{Integration, IntegrationId, Invalid};
use tollgate_jobs::exports::ForgetError;
use tollgate_jobs::privacy::{self, Certificate, DeletedDays, Identifier, IdentifierKind, PrivacyError};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Most integrations of one request.
const MOST_INTEGRATIONS: usize = 1000;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(read))
}

/// Whose events are to be deleted, without further fields.
pub(super) struct NewPrivacyRequest;

impl PartialSchema for NewPrivacyRequest {
    fn schema() -> RefOr<Schema> {
        let mut schema = Asked::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
        schema
    }
}

impl ToSchema for NewPrivacyRequest {}

/// Whose events are to be deleted. Exactly one of `device_id`, `ip`, `user_id` and
/// `external_transaction_id` is given.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct Asked {
    #[schema(required = false, schema_with = device_id)]
    device_id: String,
    /// The person's IP address.
    #[schema(nullable = false, min_length = 1, max_length = 2048)]
    ip: Option<String>,
    #[schema(required = false, schema_with = user_id)]
    user_id: String,
    #[schema(required = false, schema_with = external_transaction_id)]
    external_transaction_id: String,
    /// The integrations whose events are meant; without it all of the organization's.
    #[schema(min_items = 1, max_items = 1000)]
    integration_ids: Option<Vec<String>>,
}

fn device_id() -> ObjectBuilder {
    identifier("Advertising id of the person's device.")
}

fn user_id() -> ObjectBuilder {
    identifier("Your id of the person: what events have as `uuid`.")
}

fn external_transaction_id() -> ObjectBuilder {
    identifier("Your id of an event of the person: all events that have it are meant, and no others.")
}

fn identifier(about: &str) -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String).description(Some(about));
    text.pattern(Some(TEXT_PATTERN)).min_length(Some(1)).max_length(Some(2048))
}

/// What was deleted at someone's request. It does not hold the identifier.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PrivacyCertificate {
    #[schema(pattern = "^[0-9a-f]{32}$")]
    id: String,
    /// When it was asked for.
    #[schema(format = DateTime)]
    requested_at: String,
    /// When the deletion was done: from then on nothing shows the events. Null when it was interrupted: ask again.
    #[schema(required, format = DateTime)]
    completed_at: Option<String>,
    /// The credential that asked.
    requested_by: String,
    /// `device_id`, `ip`, `user_id` or `external_transaction_id`.
    #[schema(pattern = "^(device_id|ip|user_id|external_transaction_id)$")]
    identifier_kind: &'static str,
    /// SHA-256 over this certificate's id, a colon and the identifier.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    identifier_sha256: String,
    /// The integrations that were looked through.
    integration_ids: Vec<String>,
    /// Every event that was stored by then, this seq included, was looked at.
    through_seq: u64,
    /// How many events were deleted.
    deleted_events: u64,
    /// The same by integration and kind.
    deleted: Vec<PrivacyDeletedDays>,
    files: PrivacyFiles,
    /// What the deletion did not reach.
    not_reached: Vec<String>,
}

/// Deleted events of one integration and kind.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PrivacyDeletedDays {
    #[schema(pattern = "^[a-z0-9]{10}$")]
    integration_id: String,
    /// `click`, `conversion` or `impression`.
    kind: String,
    /// UTC day of the oldest.
    #[schema(format = Date)]
    first_day: String,
    /// UTC day of the newest.
    #[schema(format = Date)]
    last_day: String,
    /// How many.
    events: u64,
}

/// What became of the files that had the events, as of this answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PrivacyFiles {
    /// Dropped at once.
    dropped: u64,
    /// Written again without them.
    rewritten: u64,
    /// Of these, how many still have to be.
    pending: usize,
    /// Whether the log still has files of that time.
    log_pending: bool,
    /// Files of the Download Center that were removed because they may have had the events.
    exports: u64,
}

impl PrivacyCertificate {
    fn of(certificate: Certificate) -> Self {
        Self {
            id: certificate.id,
            requested_at: certificate.requested_at,
            completed_at: certificate.completed_at,
            requested_by: certificate.requested_by,
            identifier_kind: certificate.identifier_kind.name(),
            identifier_sha256: certificate.identifier_sha256,
            integration_ids: certificate.integration_ids,
            through_seq: certificate.through_seq,
            deleted_events: certificate.deleted_events,
            deleted: certificate.deleted.into_iter().map(PrivacyDeletedDays::of).collect(),
            files: PrivacyFiles {
                dropped: certificate.files.dropped,
                rewritten: certificate.files.rewritten,
                pending: certificate.files.pending.len(),
                log_pending: certificate.files.log_pending,
                exports: certificate.files.exports,
            },
            not_reached: certificate.not_reached,
        }
    }
}

impl PrivacyDeletedDays {
    fn of(days: DeletedDays) -> Self {
        let DeletedDays { integration_id, kind, first_day, last_day, events } = days;
        Self { integration_id, kind, first_day, last_day, events }
    }
}

/// Forget a person
///
/// Deletes all events that have the identifier, of every kind, and answers with a certificate. Nothing shows them from then
/// on; the certificate says when their files are gone, and what is not reached. The more history there is, the longer it
/// takes; it goes on when the caller goes away.
#[utoipa::path(
    post,
    path = "/privacy-requests",
    operation_id = "create_privacy_request",
    request_body = NewPrivacyRequest,
    responses(
        (status = 201, description = "The events are deleted.", body = PrivacyCertificate),
        BodyProblem,
    ),
)]
pub(super) async fn create(principal: Principal, State(state): State<ApiState>, request: Request) -> Answer {
    let body = read_json_object(request).await?;
    let (identifier, integrations) = parse(&principal, body)?;
    let privacy = state.privacy;
    let organization = principal.organization_id();
    let integrations = integrations.unwrap_or_else(|| privacy.integrations(organization));
    let actor = principal.actor().clone();
    let request = privacy::Request { organization, integrations, identifier, actor };
    // A task of its own: what was begun is done, whoever goes away.
    let done = tokio::spawn(privacy.forget(request)).await;
    let done = done.map_err(|error| ApiError::internal("forgetting a person", &error))?;
    let certificate = done.map_err(failed)?;
    Ok((StatusCode::CREATED, Json(PrivacyCertificate::of(certificate))).into_response())
}

/// List certificates
///
/// The newest 1,000 of the organization, the newest first.
#[utoipa::path(
    get,
    path = "/privacy-requests",
    operation_id = "list_privacy_requests",
    responses((status = 200, description = "The certificates.", body = Vec<PrivacyCertificate>)),
)]
pub(super) async fn list(principal: Principal, State(state): State<ApiState>) -> Answer {
    let (privacy, organization) = (state.privacy, principal.organization_id());
    let found = tokio::task::spawn_blocking(move || privacy.list(organization)).await;
    let found = found.map_err(|error| ApiError::internal("listing certificates", &error))?.map_err(failed)?;
    let certificates: Vec<_> = found.into_iter().map(PrivacyCertificate::of).collect();
    Ok(Json(certificates).into_response())
}

/// Read a certificate
///
/// What is still to be done of it is told as of now.
#[utoipa::path(
    get,
    path = "/privacy-requests/{privacy_request_id}",
    operation_id = "read_privacy_request",
    params(("privacy_request_id" = String, Path, description = "The certificate's id.",
            pattern = "^[0-9a-f]{32}$")),
    responses(
        (status = 200, description = "The certificate.", body = PrivacyCertificate),
        MissingProblem,
    ),
)]
pub(super) async fn read(
    principal: Principal,
    State(state): State<ApiState>,
    Params(id): Params<String>,
) -> Answer {
    let (privacy, organization) = (state.privacy, principal.organization_id());
    let found = tokio::task::spawn_blocking(move || privacy.get(organization, &id)).await;
    let found =
        found.map_err(|error| ApiError::internal("reading a certificate", &error))?.map_err(failed)?;
    let missing = || ApiError::because(Code::NotFound, "There is no such certificate.");
    Ok(Json(PrivacyCertificate::of(found.ok_or_else(missing)?)).into_response())
}

fn failed(error: PrivacyError) -> Failure {
    let passing = match &error {
        PrivacyError::Busy => true,
        PrivacyError::Ledger(error) => error.is_full_disk(),
        PrivacyError::File { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
        PrivacyError::Exports(ForgetError::Files(_)) => {
            tracing::error!(%error, "files of exports could not be removed for a privacy request");
            let what = "The events are deleted, but files of exports may be left, which nobody can download any more: \
                        their storage cannot be reached. Ask again.";
            return ApiError::because(Code::Unavailable, what).into();
        }
        PrivacyError::Exports(ForgetError::Store(_)) | PrivacyError::Ended => false,
    };
    if passing {
        let what = "The ledger cannot do this just now: it is busy, or the disk is full. Try again.";
        return ApiError::because(Code::Unavailable, what).into();
    }
    ApiError::internal("a privacy request", &error).into()
}

/// Who is meant, and of which integrations.
fn parse(
    principal: &Principal,
    body: Map<String, Value>,
) -> Result<(Identifier, Option<Vec<IntegrationId>>), ApiError> {
    let mut fields = Fields::new(body, Encoding::Json);
    let mut given = Vec::new();
    for kind in IdentifierKind::ALL {
        let text = fields.not_null(kind.name(), |fields| fields.text(kind.name(), 1..=2048)).value();
        match text.map(|text| Identifier::new(kind, &text)) {
            Some(Ok(identifier)) => given.push(identifier),
            Some(Err(error)) => fields.refuse(&error.field, error.message),
            None => {}
        }
    }
    let mut integrations = None;
    if let Some(ids) = fields.texts("integration_ids", 1..=MOST_INTEGRATIONS, 10).value() {
        let mut found = Vec::new();
        for (at, id) in ids.iter().enumerate() {
            match principal.organization().get::<Integration>(id) {
                Some(integration) => found.push(integration.id),
                None => {
                    let place = format!("integration_ids[{at}]");
                    fields.refuse(&place, "is not an integration of the organization");
                }
            }
        }
        integrations = Some(found);
    }
    let mut errors = fields.finish();
    match (given.pop(), given.is_empty()) {
        (Some(identifier), true) if errors.is_empty() => return Ok((identifier, integrations)),
        _ if errors.is_empty() => {
            let message = "give exactly one of device_id, ip, user_id and external_transaction_id";
            errors.push(Invalid::new("device_id", message));
        }
        _ => {}
    }
    Err(ApiError::invalid(errors))
}

#[cfg(test)]
mod tests {
    use crate::native::apps::tests::call;
    use crate::testing::TestApp;
    use serde_json::{Value, json};
    use tollgate_domain::{Event, EventKind, Number, Text};

    fn click(app: &TestApp, device: &str, ip: &str) -> Event {
        let mut event = Event::new(EventKind::Click, app.made.integration_id);
        event.set_number(Number::RequestTime, 1_699_900_000_000);
        event.set_text(Text::DeviceId, device);
        event.set_text(Text::Ip, ip);
        event
    }

    async fn clicks(app: &TestApp) -> usize {
        let days = "start_date=2023-11-13&end_date=2023-11-14&page[size]=25";
        let path = format!("/reports/v2/click-table?integration_id={}&{days}", app.made.integration_id);
        let answered = app.call("GET", &path, Value::Null).await;
        assert_eq!(answered.status, 200, "{answered:?}");
        answered.body["data"]["data"].as_array().unwrap().len()
    }

    #[tokio::test]
    async fn a_person_is_forgotten_and_the_certificate_can_be_read_later() {
        let app = TestApp::new().await;
        app.ledger.keep().unwrap();
        app.store(&mut [
            click(&app, "a", "192.0.2.1"),
            click(&app, "b", "192.0.2.2"),
            click(&app, "a", "192.0.2.3"),
        ]);
        assert_eq!(clicks(&app).await, 3);
        let made = call(&app, "POST", "/privacy-requests", json!({"device_id": "a"})).await;
        assert_eq!((made.status.as_u16(), &made.body["deleted_events"]), (201, &json!(2)), "{made:?}");
        assert_eq!(clicks(&app).await, 1);
        let integration = app.made.integration_id.to_string();
        assert_eq!(made.body["integration_ids"], json!([integration]));
        let expected = json!([{"integration_id": integration, "kind": "click", "first_day": "2023-11-13",
                               "last_day": "2023-11-13", "events": 2}]);
        assert_eq!((&made.body["deleted"], &made.body["identifier_kind"]), (&expected, &json!("device_id")));
        let path = format!("/privacy-requests/{}", made.body["id"].as_str().unwrap());
        assert_eq!(call(&app, "GET", &path, Value::Null).await.body, made.body);
        let by_ip = json!({"ip": "192.0.2.2", "integration_ids": [integration]});
        assert_eq!(call(&app, "POST", "/privacy-requests", by_ip).await.body["deleted_events"], 1);
        assert_eq!(clicks(&app).await, 0);
        let mut one = click(&app, "c", "192.0.2.4");
        one.set_text(Text::ExternalTransactionId, "order-7");
        app.store(&mut [one, click(&app, "c", "192.0.2.4")]);
        let by_event = json!({"external_transaction_id": "order-7"});
        let made = call(&app, "POST", "/privacy-requests", by_event).await;
        assert_eq!((made.status.as_u16(), &made.body["deleted_events"]), (201, &json!(1)), "{made:?}");
        assert_eq!(made.body["identifier_kind"], "external_transaction_id");
        assert_eq!(clicks(&app).await, 1);
        let list = call(&app, "GET", "/privacy-requests", Value::Null).await;
        assert_eq!(list.body.as_array().map(Vec::len), Some(3));
    }

    #[tokio::test]
    async fn a_request_that_names_nobody_or_too_many_is_refused_field_by_field() {
        let app = TestApp::new().await;
        let neighbour = app.neighbour().await.integration.to_string();
        for (body, fields) in [
            (json!({}), vec!["device_id"]),
            (json!({"device_id": "a", "ip": "192.0.2.1"}), vec!["device_id"]),
            (json!({"user_id": "a", "external_transaction_id": "b"}), vec!["device_id"]),
            (json!({"external_transaction_id": ""}), vec!["external_transaction_id"]),
            (json!({"fingerprint": "f"}), vec!["fingerprint"]),
            (json!({"ip": "300.0.2.1"}), vec!["ip"]),
            (json!({"user_id": ""}), vec!["user_id"]),
            (json!({"user_id": 7, "idfa": "x"}), vec!["user_id", "idfa"]),
            (json!({"user_id": "a", "integration_ids": [neighbour]}), vec!["integration_ids[0]"]),
            (json!({"user_id": "a", "integration_ids": []}), vec!["integration_ids"]),
        ] {
            let refused = call(&app, "POST", "/privacy-requests", body.clone()).await;
            assert_eq!((refused.status.as_u16(), refused.error_fields()), (400, fields), "{body}");
        }
        for id in ["0", "00000000000000000000000000000000", "..%2Fx"] {
            let missing = call(&app, "GET", &format!("/privacy-requests/{id}"), Value::Null).await;
            assert_eq!(missing.status, 404);
        }
    }
}
