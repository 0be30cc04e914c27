//! `POST /session`: signing in, with the password or with an invitation, which may choose another password. Attempts are
//! limited, and an unknown address takes as long as a wrong password. Who has a password is told which organizations it
//! opens, where these are several, and nobody else is.

use super::{CHOSEN_PASSWORD, SessionBody, SessionOrganization, hashed};
use crate::ApiState;
use crate::body::{Encoding, read_json_object};
use crate::error::{ApiError, Code};
use crate::fields::{Fields, TEXT_PATTERN};
use crate::native::schema::{BodyProblem, NativeProblem};
use crate::native::{Answer, Failure};
use crate::origin::ClientAddress;
use crate::session::{cookie, ended, set_cookie};
use crate::sign_ins::Reach;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::net::IpAddr;
use tollgate_catalog::{Secret, Verified, check_password};
use tollgate_domain::{Invalid, OrganizationId};
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
            .property(
                "organization",
                ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[a-z0-9]{24}$")).description(
                    Some("The id of the one that is meant, where several know the address and the password."),
                ),
            )
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
    Password(Credentials),
    Invitation { text: String, new_password: Option<String> },
}

struct Credentials {
    email: String,
    password: String,
    organization: Option<OrganizationId>,
}

/// What came of an attempt.
enum Outcome {
    In(Secret),
    /// The password is right in each of these organizations.
    Ambiguous(Vec<Verified>),
    Refused,
}

/// A password that opens several organizations.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is answered by `ambiguous`")]
struct AmbiguousSignIn {
    #[serde(flatten)]
    problem: NativeProblem,
    /// Those that it opens.
    organizations: Vec<SessionOrganization>,
}

/// Sign in
///
/// The answer sets the cookie of the session, which lasts twelve hours. Attempts are limited: for a user's address from one place to ten at
/// once and one more every half minute; from a place to 60 at once and 30 a minute; and for an address to 100 at once and 20 a
/// minute, which keeps no user out where he signed in before. An address may be known to several organizations: of more than eight, one
/// has to be named.
#[utoipa::path(
    post,
    path = "/session",
    operation_id = "create_session",
    request_body = SignIn,
    responses(
        (status = 200, description = "The session.", body = SessionBody,
         headers(("Cache-Control" = String, description = "no-store"),
                 ("Set-Cookie" = String, description = "`HttpOnly`, `SameSite=Lax`, and `Secure` but for plain HTTP on this machine."))),
        (status = 409, description = "The password is right in several organizations: name one in `organization`.",
         body = AmbiguousSignIn, content_type = "application/problem+json"),
        BodyProblem,
    ),
)]
pub(super) async fn handle(State(state): State<ApiState>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts.clone(), body);
    let from = ClientAddress::of(&parts);
    let outcome = match read(read_json_object(request).await?).map_err(Failure)? {
        Proof::Invitation { text, new_password } => {
            with_invitation(&state, &text, new_password, from).await?
        }
        Proof::Password(credentials) => with_password(&state, credentials, from).await?,
    };
    let secret = match outcome {
        Outcome::In(secret) => secret,
        Outcome::Ambiguous(verified) => return Ok(ambiguous(&verified)),
        Outcome::Refused => {
            let wrong = "The address, the password or the link is not valid (any more).";
            return Err(ApiError::because(Code::Unauthorized, wrong).into());
        }
    };
    if let Some(before) = cookie(&parts, &state) {
        state.catalog.end_session(before).await?;
    }
    let session = state.catalog.session(secret.expose()).ok_or_else(ended)?;
    let cookie = set_cookie(secret.expose(), &parts, &state);
    Ok(SessionBody::of(&session, secret.expose()).respond(Some(cookie)))
}

/// The answer to somebody whose password is right in several organizations.
fn ambiguous(verified: &[Verified]) -> Response {
    let message = "The password is right in several organizations; organization says which is meant.";
    let rule = Some("organization_ambiguous");
    let error = ApiError { rule, ..ApiError::because(Code::Conflict, message) };
    let organizations = verified.iter().map(|one| SessionOrganization::of(&one.user.organization));
    let mut body = error.native();
    body["organizations"] = json!(organizations.collect::<Vec<_>>());
    let headers = [(CACHE_CONTROL, "no-store"), (CONTENT_TYPE, "application/problem+json")];
    (error.code.status(), headers, Json(body)).into_response()
}

/// The session of an address and a password. Hashing has threads of its own, and few at a time.
async fn with_password(state: &ApiState, credentials: Credentials, from: IpAddr) -> Result<Outcome, Failure> {
    let Credentials { email, password, organization } = credentials;
    let (sign_ins, catalog) = (&state.limits.sign_ins, state.catalog.clone());
    let mut candidates = catalog.candidates(&email, organization);
    if sign_ins.count(&email, from, candidates.users())? == Reach::Known {
        candidates.retain(|organization, user| sign_ins.is_known((organization, user), from));
    }
    let place = state.limits.place_for_password().await?;
    let verified = tokio::task::spawn_blocking(move || {
        let _place = place;
        catalog.verify_password(candidates, &password)
    });
    let verified =
        verified.await.map_err(|error| ApiError::internal("a password could not be checked", &error))?;
    match verified.as_slice() {
        [] => Ok(Outcome::Refused),
        [one] => {
            let session = state.catalog.sign_in(one).await?;
            sign_ins.succeeded((one.user.organization.id(), &one.user.object.meta.id), from);
            Ok(session.into())
        }
        _ => Ok(Outcome::Ambiguous(verified)),
    }
}

impl From<Option<Secret>> for Outcome {
    fn from(session: Option<Secret>) -> Self {
        session.map_or(Self::Refused, Self::In)
    }
}

/// The session of an invitation, which is used up only where the password that it brings may be one.
async fn with_invitation(
    state: &ApiState,
    text: &str,
    new_password: Option<String>,
    from: IpAddr,
) -> Result<Outcome, Failure> {
    state.limits.sign_ins.count_link(from)?;
    let invited = state.catalog.invited(text, new_password.is_some()).await?;
    let Some(user) = invited else { return Ok(Outcome::Refused) };
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
        state.limits.sign_ins.succeeded((user.organization.id(), &user.object.meta.id), from);
    }
    Ok(signed_in.into())
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
    let organization = fields.not_null("organization", |fields| {
        fields.parsed("organization", |place, text| {
            text.parse().map_err(|error: Invalid| Invalid::new(place, error.message))
        })
    });
    let organization = organization.value();
    let credentials =
        email.zip(password).map(|(email, password)| Credentials { email, password, organization });
    finish(fields, credentials.map(Proof::Password))
}

fn finish(fields: Fields, proof: Option<Proof>) -> Result<Proof, ApiError> {
    let errors = fields.finish();
    proof.filter(|_| errors.is_empty()).ok_or_else(|| ApiError::invalid(errors))
}
