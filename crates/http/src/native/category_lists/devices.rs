//! `GET /devices`: the device names that targeting knows to be models or series.

use crate::native::Answer;
use crate::native::auth::Principal;
use axum::Json;
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_domain::devices;
use utoipa::ToSchema;

/// Device names.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KnownDevices {
    /// Every known name. A name that stands for a model and for a series is there twice.
    items: Vec<KnownDevice>,
}

/// A device name.
#[derive(Debug, Serialize, ToSchema)]
struct KnownDevice {
    name: &'static str,
    /// `model` or `series`.
    #[schema(pattern = "^(model|series)$")]
    r#type: &'static str,
    /// The platform of its apps: `ios`, `android` or `amazon`.
    #[schema(pattern = "^(android|ios|amazon)$")]
    platform: &'static str,
}

/// List the known devices
///
/// Targeting takes names that are not known, too; known models and series cannot stand in one list.
#[utoipa::path(
    get,
    path = "/devices",
    operation_id = "list_devices",
    responses((status = 200, description = "The known device names.", body = KnownDevices)),
)]
pub(super) async fn handle(_: Principal) -> Answer {
    let known = devices().iter();
    let items =
        known.map(|one| KnownDevice { name: one.name, r#type: one.kind.name(), platform: one.platform });
    Ok(Json(KnownDevices { items: items.collect() }).into_response())
}
