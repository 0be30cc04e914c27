//! `GET /events/{tx_id}/explanation`: why an event was judged as it was.

use super::filters::ExplainedFilter;
use super::groups::ExplainedGroup;
use crate::ApiState;
use crate::error::{ApiError, Code};
use crate::native::auth::Principal;
use crate::native::schema::{MissingProblem, NativeProblem};
use crate::native::{Answer, Params};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_catalog::CatalogError;
use tollgate_domain::{Amendment, Integration, Invalid, Number, Text, TxId};
use tollgate_intake::{Effort, ExplainError, Explained};
use utoipa::ToSchema;

/// Seconds after which a caller may try again who found too many others.
const RETRY_AFTER: u32 = 5;

/// Why an event was judged as it was.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// The event's id.
    #[schema(pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    real_tx_id: String,
    /// `click`, `conversion` or `impression`.
    kind: &'static str,
    /// Its integration.
    #[schema(pattern = "^[a-z0-9]{10}$")]
    integration_id: String,
    /// Its own time.
    #[schema(format = DateTime)]
    request_time: String,
    /// The stored verdict: `approved` or `rejected`; null for an event that was not judged.
    status: Option<&'static str>,
    /// Whether the verdict was only recorded, not enforced.
    monitoring_mode: bool,
    /// The reasons that are stored, the primary one first.
    rejections: Vec<String>,
    /// The group that judged; null when the integration was not active, or no group.
    #[schema(pattern = "^[a-z0-9]{10}$")]
    filter_group_id: Option<String>,
    /// The configuration that judged: its revision.
    config_version: u64,
    /// Whether what follows comes to the stored verdict. Where it does not, the stored verdict holds and `notes` say what
    /// may be different.
    agrees: bool,
    /// Whether the integration was active; an inactive one rejects without asking a group.
    integration_active: bool,
    /// Groups that came into question, those that match first.
    #[schema(max_items = 50)]
    groups: Vec<ExplainedGroup>,
    /// How many groups are not told of.
    groups_left_out: usize,
    /// All filters of the group that judged, in order.
    filters: Vec<ExplainedFilter>,
    /// The name under which the sub id was judged because its publisher has too many of them.
    unified_sub_id: Option<String>,
    /// The earlier events that were counted for this explanation; null when no filter counts.
    counted: Option<CountedEvents>,
    /// What became known of the event after it was judged, the oldest first; nothing of it was known to the filters.
    amended: Vec<ExplainedAmendment>,
    /// What is not exact, in sentences.
    notes: Vec<String>,
}

/// What became known of an event later, such as a late rejection. What it does not set is null.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplainedAmendment {
    /// When it was accepted.
    #[schema(format = DateTime)]
    at: String,
    /// The verdict that it sets.
    status: Option<&'static str>,
    /// Whether it is a late rejection.
    late_rejection: bool,
    /// The reasons that it sets.
    rejections: Option<Vec<String>>,
    /// The status that a third party gave.
    third_party_status: Option<String>,
    /// The reason that a third party gave.
    third_party_rejected_reason: Option<String>,
}

impl ExplainedAmendment {
    fn of(amendment: &Amendment) -> Self {
        let record = &amendment.record;
        let text = |column| record.text(column).map(str::to_owned);
        let at = record.time(Number::ArrivalTime).unwrap_or_else(|| record.at());
        Self {
            at: at.to_string(),
            status: record.status().map(|status| status.name()),
            late_rejection: record.flag(Number::LateRejection),
            rejections: record.text(Text::Rejections).map(reasons),
            third_party_status: text(Text::ThirdPartyStatus),
            third_party_rejected_reason: text(Text::ThirdPartyRejectedReason),
        }
    }
}

/// The codes of a column that is JSON and was written here.
fn reasons(column: &str) -> Vec<String> {
    serde_json::from_str(column).unwrap_or_default()
}

/// Earlier events that were counted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CountedEvents {
    /// How many.
    events: u64,
    /// The time from which on they were read: the beginning of the longest window.
    #[schema(format = DateTime)]
    since: String,
}

impl Explanation {
    /// What is told of an explained event.
    pub fn of(explained: &Explained) -> Self {
        let Explained { event, explanation, .. } = explained;
        let counted =
            explained.counted.map(|(events, since)| CountedEvents { events, since: since.to_string() });
        Self {
            real_tx_id: event.id.to_string(),
            kind: event.kind.name(),
            integration_id: event.integration.to_string(),
            request_time: event.at().to_string(),
            status: event.status().map(|status| status.name()),
            monitoring_mode: event.flag(Number::MonitoringMode),
            rejections: event.text(Text::Rejections).map(reasons).unwrap_or_default(),
            filter_group_id: explanation.winner.map(|id| id.to_string()),
            config_version: explained.config_version,
            agrees: explained.agrees,
            integration_active: explanation.integration_active,
            groups: explanation.groups.iter().map(ExplainedGroup::of).collect(),
            groups_left_out: explanation.groups_left_out,
            filters: explanation.filters.iter().map(ExplainedFilter::of).collect(),
            unified_sub_id: explanation.unified_sub_id.clone(),
            counted,
            amended: explained.amendments.iter().map(ExplainedAmendment::of).collect(),
            notes: explained.notes.clone(),
        }
    }
}

/// Explain a verdict
///
/// Which group judged and why, what each of its filters saw against what it allows, and what would have made each come out
/// the other way. The counters are made again from history, and filters look at the facts that were stored with the event.
#[utoipa::path(
    get,
    path = "/events/{tx_id}/explanation",
    operation_id = "explain_event",
    params(("tx_id" = String, Path, description = "The event's `real_tx_id`: a click's, conversion's or impression's.",
            pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")),
    responses(
        (status = 200, description = "The explanation.", body = Explanation),
        (status = 400, description = "It is no transaction id.", body = NativeProblem,
         content_type = "application/problem+json"),
        MissingProblem,
        (status = 409, description = "It cannot be explained: the windows of its filters hold more than is read for one \
         explanation, or its filters are not known any more.", body = NativeProblem,
         content_type = "application/problem+json"),
    ),
)]
pub(in crate::native) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params(id): Params<String>,
) -> Answer {
    let malformed = |error: Invalid| ApiError::invalid(vec![Invalid::new("tx_id", error.message)]);
    let id: TxId = id.parse().map_err(malformed)?;
    let integrations: Vec<_> =
        principal.organization().table::<Integration>().iter().map(|stored| stored.id).collect();
    let Some(place) = state.limits.explanations.take(principal.organization_id()).await else {
        let busy = ApiError::because(Code::Unavailable, "Other explanations are being made; try again soon.");
        return Err(ApiError { retry_after: Some(RETRY_AFTER), ..busy }.into());
    };
    let (intake, runtime) = (state.imports.intake.clone(), tokio::runtime::Handle::current());
    let work = move || {
        let _place = place;
        let Some(event) = intake.find(integrations, id)? else { return Ok(None) };
        let explained = intake
            .explain(event, Effort::default(), |version| runtime.block_on(state.catalog.as_of(version)))?;
        Ok(Some(Explanation::of(&explained)))
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(Some(explanation))) => Ok(Json(explanation).into_response()),
        Ok(Ok(None)) => Err(ApiError::because(Code::NotFound, "There is no event of this id.").into()),
        Ok(Err(error)) => Err(refused(error).into()),
        Err(error) => Err(ApiError::internal("explaining an event", &error).into()),
    }
}

fn refused(error: ExplainError<CatalogError>) -> ApiError {
    match error {
        ExplainError::TooMany { .. } | ExplainError::TooSlow { .. } | ExplainError::Unusable { .. } => {
            ApiError::because(Code::Conflict, format!("The event cannot be explained: {error}."))
        }
        ExplainError::Scan(_) | ExplainError::Configuration { .. } => {
            ApiError::internal("explaining an event", &error)
        }
    }
}
