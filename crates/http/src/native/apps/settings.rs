//! `/apps/{app_id}/settings`: what the operator knows of an app and the vendor's API has no way to say.

use super::require_app;
use crate::ApiState;
use crate::body::read_json_object;
use crate::error::{ApiError, Code};
use crate::etag::{IfMatch, etag};
use crate::fields::{Fields, Given};
use crate::native::auth::Principal;
use crate::native::schema::{BodyProblem, ConflictProblem, IfMatchParams, MissingProblem};
use crate::native::{Answer, Params, domain_name};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use tollgate_catalog::Stored;
use tollgate_domain::{App, Invalid, STORE_URL_PATTERN, is_store_url};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

/// A change: what is absent stays as it is, null clears.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct AppSettingsRequest {
    /// The domain whose app-ads.txt speaks for the app.
    #[schema(schema_with = domain_name::nullable_schema)]
    developer_domain: Option<String>,
    /// Address of the app's icon in the store.
    #[schema(schema_with = icon)]
    icon: Option<String>,
}

/// An app's settings.
#[derive(Debug, Serialize, ToSchema)]
struct AppSettings<'a> {
    /// The domain whose app-ads.txt speaks for the app.
    #[schema(required)]
    developer_domain: Option<&'a str>,
    /// Address of the app's icon in the store.
    #[schema(required)]
    icon: Option<&'a str>,
}

/// Get an app's settings
#[utoipa::path(
    get,
    path = "/apps/{app_id}/settings",
    operation_id = "get_app_settings",
    params(("app_id" = String, Path, description = "The app's id.")),
    responses(
        (status = 200, description = "The settings.", body = AppSettings,
         headers(("ETag" = String, description = "The app's version."))),
        MissingProblem,
    ),
)]
pub(super) async fn read(principal: Principal, Params(id): Params<String>) -> Answer {
    require_app(&principal, &id)?;
    let app = principal.organization().get::<App>(&id);
    Ok(answer(app.ok_or_else(|| ApiError::new(Code::NotFound))?))
}

/// Update an app's settings
///
/// Another domain has another app-ads.txt: what the old one said is forgotten.
#[utoipa::path(
    patch,
    path = "/apps/{app_id}/settings",
    operation_id = "update_app_settings",
    params(("app_id" = String, Path, description = "The app's id."), IfMatchParams),
    request_body = AppSettingsRequest,
    responses(
        (status = 200, description = "The settings as they are now.", body = AppSettings,
         headers(("ETag" = String, description = "The app's version."))),
        MissingProblem,
        ConflictProblem,
        BodyProblem,
    ),
)]
pub(super) async fn change(
    principal: Principal,
    State(state): State<ApiState>,
    Params(id): Params<String>,
    if_match: IfMatch,
    request: Request,
) -> Answer {
    require_app(&principal, &id)?;
    principal.require_disclosures()?;
    let change = Change::read(read_json_object(request).await?).map_err(ApiError::invalid)?;
    let app = state
        .catalog
        .write(principal.organization_id(), principal.actor(), |draft| {
            let app = if_match.require::<App>(draft, &id)?;
            draft.update(change.apply(&app), None)?;
            draft.require::<App>(&id, None)
        })
        .await?;
    Ok(answer(&app))
}

/// What a body asks for.
#[derive(Debug, Clone)]
struct Change {
    developer_domain: Given<String>,
    icon: Given<String>,
}

impl Change {
    fn read(map: Map<String, Value>) -> Result<Self, Vec<Invalid>> {
        let mut fields = Fields::lenient(map);
        let address = |place: &str, text: &str| match is_store_url(text) {
            true => Ok(text.to_owned()),
            false => Err(Invalid::new(place, "must be an http or https address")),
        };
        let change = Self {
            developer_domain: domain_name::read(&mut fields, "developer_domain"),
            icon: fields.parsed("icon", address),
        };
        match fields.finish() {
            errors if errors.is_empty() => Ok(change),
            errors => Err(errors),
        }
    }

    fn apply(&self, app: &App) -> App {
        let mut changed = app.clone();
        self.developer_domain.clone().set_option(&mut changed.developer_domain);
        self.icon.clone().set_option(&mut changed.icon);
        if changed.developer_domain != app.developer_domain {
            changed.app_ads_txt_status = None;
        }
        changed
    }
}

fn answer(app: &Stored<App>) -> Response {
    let body = AppSettings { developer_domain: app.developer_domain.as_deref(), icon: app.icon.as_deref() };
    (etag(app.meta.version), Json(body)).into_response()
}

fn icon() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .pattern(Some(STORE_URL_PATTERN))
        .max_length(Some(2048))
}
