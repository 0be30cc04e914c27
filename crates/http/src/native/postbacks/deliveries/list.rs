//! `GET /integrations/{integration_id}/postback-deliveries`: the log, newest first.

use super::body::{self, DeliveryBody};
use super::unavailable;
use crate::ApiState;
use crate::chartboost::query::Query;
use crate::native::auth::Principal;
use crate::native::paging::{Cursor, CursorParams, Entries, take_time};
use crate::native::schema::{MissingProblem, QueryProblem};
use crate::native::{Answer, Params, find_integration};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::IntoResponse;
use tollgate_domain::TxId;
use tollgate_jobs::postbacks::{Delivery, DeliveryState, LogFilter};
use utoipa::IntoParams;

/// What the log is filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct DeliveryParams {
    /// Deliveries of this postback only, be it deleted.
    postback: Option<String>,
    /// Deliveries in this state only.
    #[param(schema_with = body::status)]
    status: Option<String>,
    /// Deliveries for this conversion only, by its `real_tx_id`.
    #[param(pattern = "^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$")]
    conversion_id: Option<String>,
    /// Made at this time or later.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Made before this time.
    #[param(format = DateTime)]
    to: Option<String>,
}

/// Read the log of an integration's postbacks
///
/// Every delivery with its attempts, newest first. Deliveries that do not wait any more are kept for 30 days.
#[utoipa::path(
    get,
    path = "/integrations/{integration_id}/postback-deliveries",
    operation_id = "list_postback_deliveries",
    params(
        ("integration_id" = String, Path, description = "The integration's id."),
        DeliveryParams,
        CursorParams,
    ),
    responses(
        (status = 200, description = "A page of the log.", body = Entries<DeliveryBody>),
        MissingProblem,
        QueryProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params(integration): Params<String>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let integration = find_integration(&principal, &integration)?;
    let mut query = Query::parse(raw.as_deref())?;
    let cursor = Cursor::take(&mut query);
    let filter = LogFilter {
        postback: query.text("postback"),
        conversion: take_conversion(&mut query),
        state: query.choice("status", &DeliveryState::ALL.map(|state| (state.name(), state))),
        from: take_time(&mut query, "from"),
        to: take_time(&mut query, "to"),
        before: cursor.before,
        limit: cursor.reads(),
    };
    query.finish_strict()?;
    let found = state.postbacks.log(principal.organization_id(), integration, &filter).await;
    let page = cursor.page(found.map_err(|error| unavailable(&error))?, |delivery: &Delivery| delivery.n);
    Ok(Json(page.map(DeliveryBody::of)).into_response())
}

/// Takes a conversion's id, as it is stored.
fn take_conversion(query: &mut Query) -> Option<String> {
    let text = query.text("conversion_id")?;
    match text.parse::<TxId>() {
        Ok(id) => Some(id.to_string()),
        Err(wrong) => {
            query.refuse("conversion_id", wrong.message);
            None
        }
    }
}
