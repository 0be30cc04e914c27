//! `POST /session`: signing in, with the password or with an invitation, which may choose another password. Attempts are
//! limited, and an unknown address takes as long as a wrong password.

use super::{CHOSEN_PASSWORD, SessionBody, hashed};
use crate::ApiState;
use crate::body::{Encoding, read_json_object};
use crate::error::{ApiError, Code};
use crate::fields::{Fields, TEXT_PATTERN};
use crate::native::schema::BodyProblem;
use crate::native::{Answer, Failure};
use crate::origin::ClientAddress;
use crate::session::{cookie, ended, set_cookie};
use axum::extract::{Request, State};
use serde_json::{Map, Value};
use std::net::IpAddr;
use tollgate_catalog::{Secret, check_password};
use tollgate_domain::Invalid;
use utoipa::PartialSchema;
use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// Longest password that is looked at.
const LONGEST_PASSWORD: usize = 1024;

/// Who signs in: an address and its password, or an invitation.
struct SignIn;

impl PartialSchema for SignIn {
    fn schema() -> RefOr<Schema> {
        let text = |least: usize, most: usize| {
            let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(TEXT_PATTERN));
            text.min_length(Some(least)).max_length(Some(most))
        };
        let closed = |object: ObjectBuilder| {
            object.additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        };
        let password = ObjectBuilder::new()
            .property("email", text(1, 254))
            .property("password", text(1, LONGEST_PASSWORD))
            .required("email")
            .required("password");
        let (least, most) = CHOSEN_PASSWORD.into_inner();
        let chosen = "The password from now on; the user's other sessions end. It must not be the address.";
        let invitation = ObjectBuilder::new()
            .property(
                "invitation",
                text(1, 64).description(Some(
                    "Of a link to the console; it works once. That of a link to choose a password wants one.",
                )),
            )
            .property("new_password", text(least, most).description(Some(chosen)))
            .required("invitation");
        let either = OneOfBuilder::new().item(closed(password)).item(closed(invitation));
        either.description(Some("An address and its password, or an invitation.")).into()
    }
}

impl ToSchema for SignIn {}

enum Proof {
    Password { email: String, password: String },
    Invitation { text: String, new_password: Option<String> },
}

/// Sign in
///
/// The answer sets the cookie of the session, which lasts twelve hours. Attempts are limited: for a user's address from one place to ten at
/// once and one more every half minute; from a place to 60 at once and 30 a minute; and for a user's address, from where nobody
/// signed in to it before, to 100 at once and 20 a minute.
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
    let from = ClientAddress::of(&parts);
    let secret = match read(read_json_object(request).await?).map_err(Failure)? {
        Proof::Invitation { text, new_password } => {
            with_invitation(&state, &text, new_password, from).await?
        }
        Proof::Password { email, password } => with_password(&state, email, password, from).await?,
    };
    let wrong = "The address, the password or the link is not valid (any more).";
    let secret = secret.ok_or_else(|| ApiError::because(Code::Unauthorized, wrong))?;
    if let Some(before) = cookie(&parts, &state) {
        state.catalog.end_session(before).await?;
    }
    let session = state.catalog.session(secret.expose()).ok_or_else(ended)?;
    let cookie = set_cookie(secret.expose(), &parts, &state);
    Ok(SessionBody::of(&session, secret.expose()).respond(Some(cookie)))
}

/// The session of an address and a password. Hashing has threads of its own, and few at a time.
async fn with_password(
    state: &ApiState,
    email: String,
    password: String,
    from: IpAddr,
) -> Result<Option<Secret>, Failure> {
    state.limits.sign_ins.count(&email, from)?;
    let (place, catalog) = (state.limits.place_for_password().await?, state.catalog.clone());
    let address = email.clone();
    let verified = tokio::task::spawn_blocking(move || {
        let _place = place;
        catalog.verify_password(&address, &password)
    });
    let verified =
        verified.await.map_err(|error| ApiError::internal("a password could not be checked", &error))?;
    let Some(verified) = verified else { return Ok(None) };
    state.limits.sign_ins.succeeded(&email, from);
    Ok(state.catalog.sign_in(&verified).await?)
}

/// The session of an invitation, which is used up only where the password that it brings may be one.
async fn with_invitation(
    state: &ApiState,
    text: &str,
    new_password: Option<String>,
    from: IpAddr,
) -> Result<Option<Secret>, Failure> {
    state.limits.sign_ins.count_link(from)?;
    let Some(user) = state.catalog.invited(text, new_password.is_some()).await? else { return Ok(None) };
    let hash = match new_password {
        None => None,
        Some(password) => {
            let wrong = |message| ApiError::invalid(vec![Invalid::new("new_password", message)]);
            check_password(&password, &user.object.email).map_err(wrong)?;
            Some(hashed(state, password).await?)
        }
    };
    let signed_in = state.catalog.sign_in_with_invitation(text, hash).await?;
    if signed_in.is_some() {
        state.limits.sign_ins.succeeded(&user.object.email, from);
    }
    Ok(signed_in)
}

fn read(body: Map<String, Value>) -> Result<Proof, ApiError> {
    let mut fields = Fields::new(body, Encoding::Json);
    if fields.has("invitation") {
        let text = fields.required("invitation", |fields| fields.text("invitation", 1..=64));
        let new_password = match fields.has("new_password") {
            true => fields.required("new_password", |fields| fields.text("new_password", CHOSEN_PASSWORD)),
            false => None,
        };
        return finish(fields, text.map(|text| Proof::Invitation { text, new_password }));
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
