//! `PUT` and `POST` of `/prices.csv` and `/apps/{app_id}/prices.csv`. PUT gives each location that the file names exactly
//! the prices of the file; POST sets the prices of the file and leaves a location's others. Locations that the file does
//! not name stay as they are.

use super::change::{Mode, PriceUpdate, apply};
use super::sheet::{Problems, Sheet};
use super::{find_app, priced, version};
use crate::ApiState;
use crate::body::read;
use crate::chartboost::query::Query;
use crate::error::{ApiError, Code};
use crate::etag::IfMatch;
use crate::native::auth::Principal;
use crate::native::schema::{BodyProblem, ConflictProblem, IfMatchParams, MissingProblem};
use crate::native::{Answer, Failure, Params};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use std::time::Duration;
use tollgate_catalog::{Draft, Refused};
use tollgate_domain::AppId;
use utoipa::IntoParams;

/// Bytes a file may have: about half a million prices.
const FILE_LIMIT: usize = 32 << 20;
/// Time it has to arrive.
const FILE_TIME: Duration = Duration::from_secs(120);

/// How a file is taken.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct FileParams {
    /// `true`: nothing is stored, the answer tells what would change.
    dry_run: Option<bool>,
}

/// Replace prices
///
/// Each ad location that the file names gets exactly the prices of the file; all others stay as they are. The file is taken
/// as a whole or not at all. Its first line names the columns: `app_id`, `ad_location` (the UUID), `country`, `price`, and
/// if wanted `name` and `ad_type`, which must then be the location's.
#[utoipa::path(
    put,
    path = "/prices.csv",
    operation_id = "replace_prices",
    params(FileParams, IfMatchParams),
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, description = "What changed.", body = PriceUpdate),
        ConflictProblem,
        BodyProblem,
    ),
)]
pub(super) async fn replace_all(
    principal: Principal,
    State(state): State<ApiState>,
    if_match: IfMatch,
    request: Request,
) -> Answer {
    Import { principal, state, if_match, app: None, mode: Mode::Replace }.run(request).await
}

/// Set prices
///
/// The prices of the file are set; all others stay as they are.
#[utoipa::path(
    post,
    path = "/prices.csv",
    operation_id = "set_prices",
    params(FileParams, IfMatchParams),
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, description = "What changed.", body = PriceUpdate),
        ConflictProblem,
        BodyProblem,
    ),
)]
pub(super) async fn merge_all(
    principal: Principal,
    State(state): State<ApiState>,
    if_match: IfMatch,
    request: Request,
) -> Answer {
    Import { principal, state, if_match, app: None, mode: Mode::Merge }.run(request).await
}

/// Replace an app's prices
///
/// As for all prices, for the ad locations of one app: the column `app_id` may be absent.
#[utoipa::path(
    put,
    path = "/apps/{app_id}/prices.csv",
    operation_id = "replace_app_prices",
    params(("app_id" = String, Path, description = "The app's id."), FileParams, IfMatchParams),
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, description = "What changed.", body = PriceUpdate),
        MissingProblem,
        ConflictProblem,
        BodyProblem,
    ),
)]
pub(super) async fn replace_app(
    principal: Principal,
    State(state): State<ApiState>,
    Params(id): Params<String>,
    if_match: IfMatch,
    request: Request,
) -> Answer {
    let app = Some(find_app(&principal, &id)?);
    Import { principal, state, if_match, app, mode: Mode::Replace }.run(request).await
}

/// Set an app's prices
///
/// As for all prices, for the ad locations of one app: the column `app_id` may be absent.
#[utoipa::path(
    post,
    path = "/apps/{app_id}/prices.csv",
    operation_id = "set_app_prices",
    params(("app_id" = String, Path, description = "The app's id."), FileParams, IfMatchParams),
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, description = "What changed.", body = PriceUpdate),
        MissingProblem,
        ConflictProblem,
        BodyProblem,
    ),
)]
pub(super) async fn merge_app(
    principal: Principal,
    State(state): State<ApiState>,
    Params(id): Params<String>,
    if_match: IfMatch,
    request: Request,
) -> Answer {
    let app = Some(find_app(&principal, &id)?);
    Import { principal, state, if_match, app, mode: Mode::Merge }.run(request).await
}

/// A file that comes in.
struct Import {
    principal: Principal,
    state: ApiState,
    if_match: IfMatch,
    app: Option<AppId>,
    mode: Mode,
}

impl Import {
    async fn run(self, request: Request) -> Answer {
        self.principal.require_disclosures()?;
        let mut query = Query::parse(request.uri().query())?;
        let dry_run = query.boolean("dry_run").unwrap_or(false);
        query.finish_strict()?;
        require_csv(request.headers())?;
        let bytes = read(request.into_body(), FILE_LIMIT, FILE_TIME).await?;
        // Half a million lines take a while: not on a thread that serves the gateway.
        let runtime = tokio::runtime::Handle::current();
        let work = tokio::task::spawn_blocking(move || runtime.block_on(self.change(bytes, dry_run)));
        let update = work.await.map_err(|error| ApiError::internal("changing prices", &error))??;
        Ok(Json(update).into_response())
    }

    async fn change(self, bytes: Bytes, dry_run: bool) -> Result<PriceUpdate, Failure> {
        let Sheet { rows, problems } = Sheet::read(&bytes, self.app)?;
        let change = |draft: &mut Draft<'_>, problems: Problems| -> Result<PriceUpdate, Refused> {
            self.if_match.check(version(priced(draft.table(), draft.table(), self.app)))?;
            apply(draft, &rows, self.mode, problems)
        };
        let (organization, actor) = (self.principal.organization_id(), self.principal.actor());
        let catalog = &self.state.catalog;
        if dry_run || !problems.is_empty() {
            let update = catalog.rehearse(organization, actor, |draft| change(draft, problems));
            return Ok(PriceUpdate { dry_run, ..update.map_err(ApiError::from)? });
        }
        Ok(catalog.write(organization, actor, |draft| change(draft, Problems::default())).await?)
    }
}

fn require_csv(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("text/csv") {
        Ok(())
    } else {
        Err(ApiError::because(Code::UnsupportedMediaType, "The body must be text/csv."))
    }
}
