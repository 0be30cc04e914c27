//! `DELETE /api-keys/{id}`: the key stops working at once. Who it was stays in the log.

use super::super::{Answer, done};
use crate::ApiState;
use crate::auth::Writer;
use crate::clickshield::Params;
use crate::clickshield::schema::{Done, MissingProblem};
use axum::extract::State;
use tollgate_catalog::ApiKey;

/// Revoke an API key
///
/// It stops working at once.
#[utoipa::path(
    delete,
    path = "/api-keys/{api_key_id}",
    operation_id = "revoke_api_key",
    tag = "API keys",
    params(("api_key_id" = String, Path, description = "The API key's id.")),
    responses(
        (status = 200, description = "The API key was revoked.", body = Done),
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    State(state): State<ApiState>,
    Writer(caller): Writer,
    Params(id): Params<String>,
) -> Answer {
    caller.require_owner()?;
    state
        .catalog
        .write(caller.organization_id(), &caller.actor(), |draft| draft.delete::<ApiKey>(&id, None))
        .await?;
    Ok(done())
}
