//! `GET /apps/{app_id}/ad-locations`: all of an app's locations, filtered, by ad type and name.

use super::body::Body;
use crate::chartboost::query::Query;
use crate::chartboost::schema::{Detail, NoSuchObject};
use crate::chartboost::{Answer, Client, Params, apps};
use axum::Json;
use axum::extract::RawQuery;
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_domain::{AdLocation, AdLocationType, AdType};
use utoipa::{IntoParams, ToSchema};

/// All ad locations that were asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdLocations)]
struct Items<'a> {
    items: Vec<Body<'a>>,
}

/// What the list takes, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct ListParams {
    /// Locations of this type only.
    #[param(inline)]
    type_filter: Option<TypeParam>,
    /// Locations of this ad type only.
    #[param(inline)]
    ad_type_filter: Option<AdTypeParam>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what is read by hand")]
enum TypeParam {
    FixedCpm,
    AutoCpm,
    CrossPromo,
    MockResponse,
    Bidding,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what is read by hand")]
enum AdTypeParam {
    Interstitial,
    Rewarded,
    Banner,
}

/// List an app's ad locations
#[utoipa::path(
    get,
    path = "/apps/{app_id}/ad-locations",
    operation_id = "list_ad_locations",
    tag = "Ad locations",
    params(("app_id" = String, Path, description = "The app's id."), ListParams),
    responses(
        (status = 200, description = "The ad locations.", body = Items),
        (status = 400, description = "A parameter is not legal.", body = Detail),
        NoSuchObject,
    ),
)]
pub(super) async fn handle(client: Client, Params(app): Params<String>, RawQuery(raw): RawQuery) -> Answer {
    let app = apps::find(&client, &app)?;
    let mut query = Query::parse(raw.as_deref())?;
    let wanted_type = query.choice("type_filter", AdLocationType::NAMES);
    let wanted_ad_type = query.choice("ad_type_filter", AdType::NAMES);
    query.finish()?;
    let items = client
        .organization()
        .table::<AdLocation>()
        .of_app(&app.id)
        .filter(|one| wanted_type.is_none_or(|wanted| one.location_type == wanted))
        .filter(|one| wanted_ad_type.is_none_or(|wanted| one.ad_type == wanted))
        .map(|one| Body::of(one))
        .collect();
    Ok(Json(Items { items }).into_response())
}
