//! `GET /restatements`: what was taken back of some days, with reason and date.

use crate::ApiState;
use crate::chartboost::query::Query;
use crate::error::{ApiError, Code};
use crate::native::Answer;
use crate::native::auth::Principal;
use crate::native::schema::{NativeProblem, QueryProblem};
use crate::places::Waiting;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_domain::{Day, Money};
use tollgate_jobs::analytics::FigureError;
use tollgate_jobs::statement::{RestatedBy, Restatement, RestatementRequest, StatementError, restatements};
use tollgate_ledger::group::{Bounds, GroupError};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::{IntoParams, ToSchema};

/// Which days are asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct RestatementParams {
    /// What the days are: those that were restated, or those on which they were.
    #[param(schema_with = by)]
    by: Option<String>,
    /// The first day.
    #[param(format = Date)]
    start_date: String,
    /// The last one.
    #[param(format = Date)]
    end_date: String,
    /// IANA name of the zone that days are in; America/Los_Angeles unless given.
    timezone: Option<String>,
}

/// Conversions of one day that counted and were rejected on another, for one reason.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Restatement)]
struct RestatementBody {
    /// The day that was restated.
    date: String,
    /// The day on which it was.
    #[schema(required)]
    rejected_on: Option<String>,
    reason: String,
    /// The app that had earned by them; empty where they name none.
    app_id: String,
    /// The campaign that had spent on them; empty where they name none.
    campaign: String,
    /// How many.
    events: i64,
    /// What is taken back from the publisher, in USD.
    earned: f64,
    /// What is given back to the advertiser, in USD.
    spent: f64,
}

/// What was taken back of some days.
#[derive(Debug, Serialize, ToSchema)]
struct Restatements {
    /// By day, the day of the rejection, app, campaign and reason.
    items: Vec<RestatementBody>,
}

impl From<Restatement> for RestatementBody {
    fn from(one: Restatement) -> Self {
        // One conversion's amount is 63 bits; so many together as to pass that would be more than there is.
        let dollars = |micros: i128| Money::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)).to_f64();
        Self {
            date: one.day.to_string(),
            rejected_on: one.rejected_on.map(|day| day.to_string()),
            reason: one.reason,
            app_id: one.app,
            campaign: one.campaign,
            events: one.events,
            earned: dollars(one.earned),
            spent: dollars(one.spent),
        }
    }
}

fn by() -> ObjectBuilder {
    let names = RestatedBy::NAMES.iter().map(|(name, _)| *name);
    let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some(names));
    text.default(Some("date".into()))
}

/// List what was taken back
///
/// Conversions that counted and were rejected late, by their day and the day of the rejection. Figures of those days are
/// without them.
#[utoipa::path(
    get,
    path = "/restatements",
    operation_id = "list_restatements",
    params(RestatementParams),
    responses(
        (status = 200, description = "What was taken back.", body = Restatements),
        (status = 402, description = "Too many events would have to be read.", body = NativeProblem,
         content_type = "application/problem+json"),
        QueryProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let mut query = Query::parse(raw.as_deref())?;
    let by = query.choice("by", RestatedBy::NAMES).unwrap_or_default();
    let mut day = |name: &str| {
        let text = query.required(name)?;
        query.check(Day::parse(name, &text))
    };
    let days = day("start_date").zip(day("end_date"));
    let zone = query.text("timezone").unwrap_or_else(|| "America/Los_Angeles".to_owned());
    if days.is_some_and(|(first, last)| last < first) {
        query.refuse("end_date", "must not be before start_date");
    }
    query.finish_strict()?;
    // Without both days there was something to finish with.
    let Some((first, last)) = days else {
        return Ok(Json(Restatements { items: Vec::new() }).into_response());
    };
    let request = RestatementRequest { organization: principal.organization_id(), by, first, last, zone };
    let place = state.limits.reads.take(request.organization).await.ok_or_else(super::busy)?;
    let bounds = Bounds { rows: state.limits.group_rows, ..Bounds::threads(1) };
    let _waiting = Waiting(bounds.stop.clone());
    let (view, snapshot) = (state.ledger.view(), state.catalog.snapshot());
    let reading = tokio::task::spawn_blocking(move || {
        let _place = place;
        restatements(&view, &snapshot, &request, &bounds)
    });
    match reading.await {
        Ok(Ok(found)) => {
            let items = found.into_iter().map(RestatementBody::from).collect();
            Ok(Json(Restatements { items }).into_response())
        }
        Ok(Err(StatementError::Figures(FigureError::Invalid(invalid)))) => {
            Err(ApiError { place: crate::error::Place::Query, ..ApiError::invalid(vec![invalid]) }.into())
        }
        Ok(Err(StatementError::Figures(FigureError::Group(
            error @ (GroupError::TooMany | GroupError::TooWide { .. }),
        )))) => Err(ApiError::because(Code::RequestFailed, error.to_string()).into()),
        Ok(Err(error)) => Err(ApiError::internal("reading late rejections", &error).into()),
        Err(error) => Err(ApiError::internal("reading late rejections", &error).into()),
    }
}
