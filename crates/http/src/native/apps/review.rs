//! `PUT /apps/{app_id}/review`: a person decides whether an app may earn. The last decision counts.

use super::require_app;
use crate::ApiState;
use crate::body::read_json_object;
use crate::chartboost::apps::Publishing;
use crate::error::ApiError;
use crate::etag::{IfMatch, etag};
use crate::fields::{Fields, Given, TEXT_PATTERN};
use crate::native::auth::Principal;
use crate::native::schema::{BodyProblem, ConflictProblem, IfMatchParams, MissingProblem};
use crate::native::{Answer, Params};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::{Map, Value};
use tollgate_domain::{App, Decision, Invalid};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

/// Most characters of a reason or a detail.
const REASON_LENGTH: usize = 255;
/// Most characters of notes.
const NOTES_LENGTH: usize = 4096;

/// A decision.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) enum ReviewRequest {
    Approve(Approval),
    Reject(Rejection),
}

/// The app may earn.
#[derive(ToSchema)]
#[schema(as = AppApproval)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct Approval {
    #[schema(schema_with = approved)]
    status: String,
    #[schema(required = false, schema_with = notes)]
    reviewer_notes: String,
    /// Only a rejection has reasons.
    #[schema(schema_with = nothing)]
    reject_reason: Option<()>,
    #[schema(schema_with = nothing)]
    reject_detail: Option<()>,
}

/// The app may not earn.
#[derive(ToSchema)]
#[schema(as = AppRejection)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct Rejection {
    #[schema(schema_with = rejected)]
    status: String,
    /// A short code.
    #[schema(schema_with = reason)]
    reject_reason: String,
    /// A finer one.
    #[schema(schema_with = nullable_reason)]
    reject_detail: Option<String>,
    #[schema(required = false, schema_with = notes)]
    reviewer_notes: String,
}

/// An app's review as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AppReview)]
struct Reviewed<'a> {
    app_id: &'a str,
    publishing_application: Publishing<'a>,
}

/// Review an app
///
/// Only approved apps earn. A later decision replaces this one.
#[utoipa::path(
    put,
    path = "/apps/{app_id}/review",
    operation_id = "review_app",
    params(("app_id" = String, Path, description = "The app's id."), IfMatchParams),
    request_body = ReviewRequest,
    responses(
        (status = 200, description = "The review as it is now.", body = Reviewed,
         headers(("ETag" = String, description = "The app's version."))),
        MissingProblem,
        ConflictProblem,
        BodyProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params(id): Params<String>,
    if_match: IfMatch,
    request: Request,
) -> Answer {
    require_app(&principal, &id)?;
    principal.require_disclosures()?;
    let (decision, notes) = read(read_json_object(request).await?).map_err(ApiError::invalid)?;
    let by = principal.actor().to_string();
    let app = state
        .catalog
        .write(principal.organization_id(), principal.actor(), |draft| {
            let app = if_match.require::<App>(draft, &id)?;
            let decided =
                app.publishing_application.decided(decision.clone(), &by, notes.clone(), draft.now());
            draft.update(App { publishing_application: decided, ..app.value.clone() }, None)?;
            draft.require::<App>(&id, None)
        })
        .await?;
    let body = Reviewed {
        app_id: app.id.as_str(),
        publishing_application: Publishing::of(&app.publishing_application),
    };
    Ok((etag(app.meta.version), Json(body)).into_response())
}

/// Reads a decision and its notes.
fn read(map: Map<String, Value>) -> Result<(Decision, String), Vec<Invalid>> {
    const STATUSES: &[(&str, bool)] = &[("Approved", true), ("Rejected", false)];
    let mut fields = Fields::lenient(map);
    let approved = fields.required("status", |f| f.choice("status", STATUSES));
    let notes = fields.not_null("reviewer_notes", |f| f.text("reviewer_notes", 0..=NOTES_LENGTH));
    let decision = match approved {
        Some(true) => {
            for name in ["reject_reason", "reject_detail"] {
                if !matches!(fields.text(name, 0..=usize::MAX), Given::Absent | Given::Null) {
                    fields.refuse(name, "belongs to a rejection");
                }
            }
            Some(Decision::Approve)
        }
        Some(false) => {
            let detail = fields.text("reject_detail", 1..=REASON_LENGTH).value();
            let reason = fields.required("reject_reason", |f| f.text("reject_reason", 1..=REASON_LENGTH));
            reason.map(|reason| Decision::Reject { reason, detail })
        }
        None => None,
    };
    match (decision, fields.finish()) {
        (Some(decision), errors) if errors.is_empty() => Ok((decision, notes.value().unwrap_or_default())),
        (_, errors) => Err(errors),
    }
}

fn approved() -> ObjectBuilder {
    text().enum_values(Some(["Approved"]))
}

fn rejected() -> ObjectBuilder {
    text().enum_values(Some(["Rejected"]))
}

fn notes() -> ObjectBuilder {
    text().pattern(Some(r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$")).max_length(Some(NOTES_LENGTH))
}

fn reason() -> ObjectBuilder {
    text().pattern(Some(TEXT_PATTERN)).min_length(Some(1)).max_length(Some(REASON_LENGTH))
}

fn nullable_reason() -> ObjectBuilder {
    reason().schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

fn nothing() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}
