//! `GET /data-files`: what is known about addresses and user agents, where it comes from and how old it is.

use super::Answer;
use super::auth::Principal;
use crate::ApiState;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_signals::Source;
use utoipa::ToSchema;

/// The data files of this server.
#[derive(Debug, Serialize, ToSchema)]
struct DataFiles {
    /// Every file that is in use, or would be.
    items: Vec<DataFile>,
}

/// A data file, or the rules that are compiled in.
#[derive(Debug, Serialize, ToSchema)]
struct DataFile {
    /// Its path within the folder of data files; `builtin` for the rules that are compiled in.
    name: String,
    /// What it is about: `geo`, `asn`, `ranges/vpn`, `agents/crawlers` and so on.
    kind: &'static str,
    /// The version that it gives itself, else the day it was last changed.
    version: String,
    /// SHA-256 of its bytes; empty for the rules that are compiled in.
    #[schema(pattern = "^([0-9a-f]{64})?$")]
    sha256: String,
    /// Empty when nothing says so.
    licence: String,
    /// When it was last changed; null for the rules that are compiled in.
    #[schema(required, format = DateTime)]
    modified_at: Option<String>,
    /// Bytes.
    bytes: u64,
    /// Networks, ranges or rules in use.
    entries: usize,
    /// What an operator should know of it.
    notes: Vec<String>,
    /// Why a newer file of this name is not in use.
    #[schema(required)]
    error: Option<String>,
}

impl DataFile {
    fn of(source: &Source) -> Self {
        let is_file = !source.sha256.is_empty();
        Self {
            name: source.name.clone(),
            kind: source.kind.name(),
            version: source.version.clone(),
            sha256: source.sha256.clone(),
            licence: source.licence.clone(),
            modified_at: is_file.then(|| source.modified.to_string()),
            bytes: source.bytes,
            entries: source.entries,
            notes: source.notes.clone(),
            error: source.error.clone(),
        }
    }
}

/// List the data files
///
/// They are the server's, and the same for every organization.
#[utoipa::path(
    get,
    path = "/data-files",
    operation_id = "list_data_files",
    responses((status = 200, description = "The data files.", body = DataFiles)),
)]
pub(super) async fn handle(_: Principal, State(state): State<ApiState>) -> Answer {
    let signals = state.imports.intake.signals().current();
    Ok(Json(DataFiles { items: signals.sources().iter().map(DataFile::of).collect() }).into_response())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestApp;
    use axum::body::Body;
    use axum::http::Request;
    use serde_json::{Value, json};

    #[tokio::test]
    async fn data_files_are_told() {
        let app = TestApp::new().await;
        let request = Request::get("/tollgate/v1/data-files");
        let request = request.header("API-KEY", app.made.api_key.secret.expose()).body(Body::empty());
        let answered = app.send(request.unwrap()).await;
        let builtin = &answered.body["items"][0];
        assert_eq!(
            (&builtin["name"], &builtin["modified_at"]),
            (&json!("builtin"), &Value::Null),
            "{answered:?}"
        );
    }
}
