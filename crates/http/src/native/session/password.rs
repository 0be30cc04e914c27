//! `PUT /session/password`: a user who is signed in chooses another password.

use super::{CHOSEN_PASSWORD, hashed};
use crate::ApiState;
use crate::body::{Encoding, read_json_object};
use crate::error::ApiError;
use crate::fields::{Fields, TEXT_PATTERN};
use crate::native::Answer;
use crate::native::schema::BodyProblem;
use crate::origin::ClientAddress;
use crate::session::{SignedIn, cookie, ended};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Map, Value};
use tollgate_catalog::{Verified, check_password};
use tollgate_domain::Invalid;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// The password, and the one in its place.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct PasswordChange {
    #[schema(schema_with = present)]
    old_password: String,
    #[schema(schema_with = chosen)]
    new_password: String,
}

fn present() -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(TEXT_PATTERN));
    text.min_length(Some(1)).max_length(Some(1024)).description(Some("The present one."))
}

fn chosen() -> ObjectBuilder {
    let (least, most) = CHOSEN_PASSWORD.into_inner();
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(TEXT_PATTERN));
    let about = "The one from now on; not the address.";
    text.min_length(Some(least)).max_length(Some(most)).description(Some(about))
}

/// Choose another password
///
/// The session goes on; the user's other sessions end, and links that were made for the user. Every role may. Attempts with
/// a wrong password are limited as signing in is.
#[utoipa::path(
    put,
    path = "/session/password",
    operation_id = "change_password",
    request_body = PasswordChange,
    responses((status = 204, description = "The password is the new one."), BodyProblem),
)]
pub(super) async fn handle(State(state): State<ApiState>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let signed_in = SignedIn::of_any_role(&parts, &state).ok_or_else(ended)??;
    let session = cookie(&parts, &state).ok_or_else(ended)?;
    let from = ClientAddress::of(&parts);
    let body = read_json_object(Request::from_parts(parts.clone(), body)).await?;
    let (old, new) = read(body, signed_in.email())?;
    let user = (signed_in.organization().id(), &**signed_in.id());
    state.limits.sign_ins.count(signed_in.email(), from, [user])?;
    let verified = verified(&state, &signed_in, old).await?;
    let wrong =
        || ApiError::invalid(vec![Invalid::coded("old_password", "is not the password", "wrong_password")]);
    let verified = verified.ok_or_else(wrong)?;
    state.limits.sign_ins.succeeded(user, from);
    let hash = hashed(&state, new).await?;
    let changed = state.catalog.change_password(&verified, &hash, session).await?;
    changed.then_some(StatusCode::NO_CONTENT.into_response()).ok_or_else(|| wrong().into())
}

/// The old and the new password.
fn read(body: Map<String, Value>, email: &str) -> Result<(String, String), ApiError> {
    let mut fields = Fields::new(body, Encoding::Json);
    let old = fields.required("old_password", |fields| fields.text("old_password", 1..=1024));
    let new = fields.required("new_password", |fields| fields.text("new_password", CHOSEN_PASSWORD));
    if let Some(Err(message)) = new.as_deref().map(|new| check_password(new, email)) {
        fields.refuse("new_password", message);
    }
    let errors = fields.finish();
    old.zip(new).filter(|_| errors.is_empty()).ok_or_else(|| ApiError::invalid(errors))
}

/// The user, if the password is right.
async fn verified(
    state: &ApiState,
    signed_in: &SignedIn,
    password: String,
) -> Result<Option<Verified>, ApiError> {
    let (place, catalog) = (state.limits.place_for_password().await?, state.catalog.clone());
    let (organization, user) = (signed_in.organization().id(), signed_in.id().clone());
    let verified = tokio::task::spawn_blocking(move || {
        let _place = place;
        catalog.verify_password_of(organization, &user, &password)
    });
    verified.await.map_err(|error| ApiError::internal("a password could not be checked", &error))
}
