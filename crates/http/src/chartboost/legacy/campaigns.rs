//! `GET /campaigns`: the organization's campaigns, by their ids.

use crate::chartboost::ad_locations::CountryPrice;
use crate::chartboost::analytics::{Answer, Asked, ReportProblem};
use axum::Json;
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_catalog::Stored;
use tollgate_domain::{App, AppId, Campaign, Day};
use tollgate_jobs::analytics::platform_name;
use utoipa::{IntoParams, ToSchema};

/// Which campaigns are asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct LegacyCampaignParams {
    /// Only the campaign of this id.
    campaign_id: Option<String>,
}

/// A campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LegacyCampaign<'a> {
    id: &'a str,
    name: &'a str,
    /// The app that it promotes.
    app_id: &'a str,
    /// What is paid for one of what it is billed by, by country; empty where that is the ad location's price.
    bids: Vec<CountryPrice>,
    /// `network` or `cross_promo`.
    campaign_type: &'static str,
    /// Unix seconds.
    date_created: i64,
    /// Unix seconds.
    date_modified: i64,
    /// YYYY-MM-DD
    #[schema(required)]
    date_min: Option<String>,
    /// YYYY-MM-DD
    #[schema(required)]
    date_max: Option<String>,
    /// That of the promoted app.
    platform: &'static str,
    /// The apps that it is shown in; empty: any.
    promote_in: Vec<&'a str>,
    /// `active`, `paused` or `archived`.
    status: &'static str,
}

impl<'a> LegacyCampaign<'a> {
    fn of(stored: &'a Stored<Campaign>, app: Option<&App>) -> Self {
        let day = |day: Option<Day>| day.map(|day| day.to_string());
        Self {
            id: stored.id.as_str(),
            name: &stored.name,
            app_id: stored.app.as_str(),
            bids: stored.bids.iter().map(CountryPrice::of).collect(),
            campaign_type: stored.campaign_type.name(),
            date_created: stored.meta.created_at.seconds(),
            date_modified: stored.meta.updated_at.seconds(),
            date_min: day(stored.date_min),
            date_max: day(stored.date_max),
            platform: app.map_or("", |app| platform_name(app.platform)),
            promote_in: stored.promote_in.iter().map(AppId::as_str).collect(),
            status: stored.status.name(),
        }
    }
}

/// List campaigns, with a user id
#[utoipa::path(
    get,
    path = "/campaigns",
    operation_id = "list_campaigns",
    tag = "Account",
    params(LegacyCampaignParams),
    responses(
        (status = 200, description = "The campaigns, by their ids.", body = Vec<LegacyCampaign>),
        ReportProblem,
    ),
)]
pub(super) async fn list(mut asked: Asked) -> Answer {
    let wanted = asked.query.text("campaign_id");
    asked.finish()?;
    let organization = &asked.organization;
    let all = organization.table::<Campaign>().iter();
    let theirs = all.filter(|one| wanted.as_deref().is_none_or(|id| id == one.id.as_str()));
    let app = |one: &Campaign| organization.get::<App>(one.app.as_str()).map(|app| &app.value);
    let body: Vec<_> = theirs.map(|one| LegacyCampaign::of(one, app(one))).collect();
    Ok(Json(body).into_response())
}
