//! `DELETE /api-keys/{id}`: the key stops working at once. Who it was stays in the log.

use super::super::{Answer, done};
use crate::ApiState;
use crate::auth::Writer;
use crate::clickshield::Params;
use axum::extract::State;
use tollgate_catalog::ApiKey;

pub(super) async fn handle(
    State(state): State<ApiState>,
    Writer(caller): Writer,
    Params(id): Params<String>,
) -> Answer {
    state
        .catalog
        .write(caller.organization_id(), &caller.actor(), |draft| draft.delete::<ApiKey>(&id, None))
        .await?;
    Ok(done())
}
