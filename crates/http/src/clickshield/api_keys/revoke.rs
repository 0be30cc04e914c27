//! `DELETE /api-keys/{id}`: the key stops working at once. Who it was stays in the log.

use super::super::{Answer, done};
use crate::ApiState;
use crate::auth::Writer;
use axum::extract::{Path, State};
use tollgate_catalog::ApiKey;

pub(super) async fn handle(
    State(state): State<ApiState>,
    Writer(caller): Writer,
    Path(id): Path<String>,
) -> Answer {
    state
        .catalog
        .write(caller.organization_id(), &caller.actor(), |draft| draft.delete::<ApiKey>(&id, None))
        .await?;
    Ok(done())
}
