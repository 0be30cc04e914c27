//! `POST /api-keys`: answers the key itself, this once. A key cannot make one that may do more than it may itself.

use super::super::Answer;
use super::schema::{ApiKeyCreated, NewApiKey};
use crate::ApiState;
use crate::auth::{Caller, Writer};
use crate::body::read_object;
use crate::clickshield::schema::{BodyProblem, FormFields};
use crate::error::{ApiError, Code};
use crate::fields::{Fields, Given};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::json;
use tollgate_catalog::{KeyOwner, Scope, User, new_api_key};
use tollgate_domain::Invalid;

/// What a key may be allowed, by name.
pub(super) const SCOPES: &[(&str, Scope)] = &[("read", Scope::Read), ("write", Scope::Write)];

/// What a body asks for.
struct Asked {
    name: String,
    scopes: Vec<Scope>,
    owner: KeyOwner,
}

/// Create an API key
///
/// The answer has the key itself, this once. A key cannot make one that may do more than it may itself.
#[utoipa::path(
    post,
    path = "/api-keys",
    operation_id = "create_api_key",
    tag = "API keys",
    request_body(content((NewApiKey = "application/json"), (FormFields = "application/x-www-form-urlencoded"))),
    responses(
        (status = 201, description = "The API key was created.", body = ApiKeyCreated,
         headers(("Cache-Control" = String, description = "no-store"))),
        BodyProblem,
    ),
)]
pub(super) async fn handle(
    State(state): State<ApiState>,
    Writer(caller): Writer,
    request: Request,
) -> Answer {
    caller.require_owner()?;
    let (body, encoding) = read_object(request).await?;
    let asked = read(Fields::new(body, encoding), &caller).map_err(ApiError::invalid)?;
    if let Some(scope) = asked.scopes.iter().find(|scope| !caller.allows(**scope)) {
        let message = format!("The API key does not have the scope {scope:?} that it would give away.");
        return Err(ApiError::because(Code::MissingScope, message).into());
    }
    let made = state
        .catalog
        .write(caller.organization_id(), &caller.actor(), |draft| {
            new_api_key(draft, &asked.name, &asked.scopes, asked.owner.clone())
        })
        .await?;
    let body = json!({"created_item_id": made.id, "api_key": made.secret.expose()});
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// `name` is required; `scopes` is `["read"]` and `user` nobody unless given.
fn read(mut fields: Fields, caller: &Caller) -> Result<Asked, Vec<Invalid>> {
    fields.must_have("name");
    fields.agree("organization", caller.organization_id().as_str());
    let name = fields.text("name", 1..=255);
    let name = fields.required_value("name", name);
    let mut scopes = vec![Scope::Read];
    if let Given::Value(names) = fields.texts("scopes", 0..=2, 16) {
        scopes = names
            .iter()
            .filter_map(|name| SCOPES.iter().find(|(known, _)| known == name))
            .map(|(_, scope)| *scope)
            .collect();
        if scopes.len() < names.len() || names.is_empty() {
            fields.refuse("scopes", "must be a list of read and write");
        }
    }
    let mut owner = KeyOwner::Organization;
    if let Given::Value(id) = fields.text("user", 1..=64) {
        if caller.organization().get::<User>(&id).is_none() {
            fields.refuse("user", "must be a user of the organization");
        }
        owner = KeyOwner::User { id };
    }
    let errors = fields.finish();
    match name {
        Given::Value(name) if errors.is_empty() => Ok(Asked { name, scopes, owner }),
        _ => Err(errors),
    }
}
