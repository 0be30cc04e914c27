//! `POST /apps/{app_id}/ad-locations`: a new location with prices per country, under version 5 also one for bidding.

use super::body::Body;
use super::model::{NewFixedCpm, WantedLocation};
use crate::ApiState;
use crate::body::read_json_object;
use crate::chartboost::schema::{BodyError, Detail, NoSuchObject};
use crate::chartboost::{Answer, Client, Params, apps};
use crate::error::ApiError;
use crate::once::{Once, OnceParams, Reply};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use tollgate_catalog::new_ad_location;
use tollgate_domain::{AdLocation, AdLocationType};

/// Create an ad location
///
/// Name and ad type must not be those of another location of the app, unless that is an `auto_cpm` location, which is then
/// replaced.
#[utoipa::path(
    post,
    path = "/apps/{app_id}/ad-locations",
    operation_id = "create_ad_location",
    tag = "Ad locations",
    params(("app_id" = String, Path, description = "The app's id."), OnceParams),
    request_body = NewFixedCpm,
    responses(
        (status = 200, description = "The ad location.", body = Body,
         headers(("ETag" = String, description = "The location's version."))),
        (status = 403, description = "The organization has not accepted the disclosures.", body = Detail),
        (status = 422, description = "The Idempotency-Key was used for another request.", body = Detail),
        NoSuchObject,
        BodyError,
    ),
)]
pub(super) async fn handle(
    client: Client,
    State(state): State<ApiState>,
    Params(app): Params<String>,
    once: Once,
    request: Request,
) -> Answer {
    create(&state, &client, &app, once, request, &[AdLocationType::FixedCpm]).await
}

/// The same operation under version 5.
pub(super) mod with_bidding {
    use super::super::model::NewLocation;
    use super::*;

    /// Create an ad location
    ///
    /// Name and ad type must not be those of another location of the app, unless that is an `auto_cpm` location, which is
    /// then replaced by a `fixed_cpm` location.
    #[utoipa::path(
        post,
        path = "/apps/{app_id}/ad-locations",
        operation_id = "create_ad_location",
        tag = "Ad locations",
        params(("app_id" = String, Path, description = "The app's id."), OnceParams),
        request_body = NewLocation,
        responses(
            (status = 200, description = "The ad location.", body = Body,
             headers(("ETag" = String, description = "The location's version."))),
            (status = 403, description = "The organization has not accepted the disclosures.", body = Detail),
            (status = 422, description = "The Idempotency-Key was used for another request.", body = Detail),
            NoSuchObject,
            BodyError,
        ),
    )]
    pub(in super::super) async fn handle(
        client: Client,
        State(state): State<ApiState>,
        Params(app): Params<String>,
        once: Once,
        request: Request,
    ) -> Answer {
        let types = [AdLocationType::FixedCpm, AdLocationType::Bidding];
        create(&state, &client, &app, once, request, &types).await
    }
}

async fn create(
    state: &ApiState,
    client: &Client,
    app: &str,
    once: Once,
    request: Request,
    types: &[AdLocationType],
) -> Answer {
    let app = apps::find(client, app)?.id;
    apps::require_disclosures(client)?;
    let body = read_json_object(request).await?;
    let once = once.of(&body);
    let wanted = WantedLocation::read(body, types).map_err(ApiError::invalid)?;
    once.write(
        state,
        client.organization_id(),
        &client.actor(),
        |draft| new_ad_location(draft, app, |id| wanted.make(id)),
        |id, organization| {
            let location = organization.get::<AdLocation>(id.as_str());
            Reply::stored(StatusCode::OK, location, |location| Body::of(location))
        },
    )
    .await
}
