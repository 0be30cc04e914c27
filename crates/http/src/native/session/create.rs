//! `POST /session`: signing in, with the password or with an invitation. Attempts are limited for each address, and an
//! unknown address takes as long as a wrong password.

use super::SessionBody;
use crate::ApiState;
use crate::body::{Encoding, read_json_object};
use crate::error::{ApiError, Code};
use crate::fields::{Fields, TEXT_PATTERN};
use crate::native::schema::BodyProblem;
use crate::native::{Answer, Failure};
use crate::session::{cookie, ended, set_cookie};
use axum::extract::{Request, State};
use serde_json::{Map, Value};
use tollgate_catalog::{Proven, User};
use utoipa::PartialSchema;
use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// Longest password.
const LONGEST_PASSWORD: usize = 1024;

/// Who signs in: an address and its password, or an invitation.
struct SignIn;

impl PartialSchema for SignIn {
    fn schema() -> RefOr<Schema> {
        let text = |most: usize| {
            let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(TEXT_PATTERN));
            text.min_length(Some(1)).max_length(Some(most))
        };
        let closed = |object: ObjectBuilder| {
            object.additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        };
        let password = ObjectBuilder::new()
            .property("email", text(254))
            .property("password", text(LONGEST_PASSWORD))
            .required("email")
            .required("password");
        let invitation = ObjectBuilder::new()
            .property("invitation", text(64).description(Some("Of a link to the console; it works once.")))
            .required("invitation");
        let either = OneOfBuilder::new().item(closed(password)).item(closed(invitation));
        either.description(Some("An address and its password, or an invitation.")).into()
    }
}

impl ToSchema for SignIn {}

enum Proof {
    Password { email: String, password: String },
    Invitation(String),
}

/// Sign in
///
/// The answer sets the cookie of the session, which lasts twelve hours. Ten attempts for an address are taken at once, and
/// one more every half minute.
#[utoipa::path(
    post,
    path = "/session",
    operation_id = "create_session",
    request_body = SignIn,
    responses(
        (status = 200, description = "The session.", body = SessionBody,
         headers(("Cache-Control" = String, description = "no-store"),
                 ("Set-Cookie" = String, description = "`HttpOnly`, `SameSite=Lax`, and `Secure` but for plain HTTP on this machine."))),
        BodyProblem,
    ),
)]
pub(super) async fn handle(State(state): State<ApiState>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts.clone(), body);
    let proof = read(read_json_object(request).await?).map_err(Failure)?;
    let user = match proof {
        Proof::Invitation(text) => state.catalog.accept_invitation(&text).await?,
        Proof::Password { email, password } => with_password(&state, email, password).await?,
    };
    let wrong = "The address, the password or the link is not valid (any more).";
    let user = user.ok_or_else(|| ApiError::because(Code::Unauthorized, wrong))?;
    if let Some(before) = cookie(&parts.headers) {
        state.catalog.end_session(before).await?;
    }
    let secret = state.catalog.start_session(&user).await?;
    let session = state.catalog.session(secret.expose()).ok_or_else(ended)?;
    let cookie = set_cookie(secret.expose(), &parts, &state);
    Ok(SessionBody::of(&session, secret.expose()).respond(Some(cookie)))
}

/// The user of an address and a password. Hashing has threads of its own, and few at a time.
async fn with_password(
    state: &ApiState,
    email: String,
    password: String,
) -> Result<Option<Proven<User>>, ApiError> {
    state.limits.count_sign_in(&email)?;
    let (place, catalog) = (state.limits.place_for_password().await?, state.catalog.clone());
    let found = tokio::task::spawn_blocking(move || {
        let _place = place;
        catalog.user_with_password(&email, &password)
    });
    found.await.map_err(|error| ApiError::internal("a password could not be checked", &error))
}

fn read(body: Map<String, Value>) -> Result<Proof, ApiError> {
    let mut fields = Fields::new(body, Encoding::Json);
    if fields.has("invitation") {
        let text = fields.required("invitation", |fields| fields.text("invitation", 1..=64));
        return finish(fields, text.map(Proof::Invitation));
    }
    let email = fields.required("email", |fields| fields.text("email", 1..=254));
    let password = fields.required("password", |fields| fields.text("password", 1..=LONGEST_PASSWORD));
    let proof = email.zip(password).map(|(email, password)| Proof::Password { email, password });
    finish(fields, proof)
}

fn finish(fields: Fields, proof: Option<Proof>) -> Result<Proof, ApiError> {
    let errors = fields.finish();
    proof.filter(|_| errors.is_empty()).ok_or_else(|| ApiError::invalid(errors))
}
