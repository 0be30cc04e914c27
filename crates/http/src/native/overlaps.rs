//! `GET /integrations/{integration_id}/filter-groups/overlaps`: which groups only their priorities keep apart.

use super::auth::Principal;
use super::schema::MissingProblem;
use super::{Answer, Params, find_integration};
use crate::ApiState;
use crate::error::{ApiError, Code};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use tollgate_catalog::IntegrationEntry;
use tollgate_domain::{FilterGroup, FilterGroupId};
use tollgate_screening::{Overlap, overlaps};
use utoipa::ToSchema;

/// Filter groups of an integration that some event matches equally well.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GroupOverlaps {
    /// The pairs, those of the best groups first.
    overlaps: Vec<GroupOverlap>,
    /// Whether these are all pairs: at most 500 are told.
    complete: bool,
}

/// Two active filter groups that some event matches by as many lists.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GroupOverlap {
    /// The one that judges such an event.
    winner: OverlappingGroup,
    /// The other one.
    other: OverlappingGroup,
    /// By how many lists the event matches each of them.
    #[schema(maximum = 3)]
    score: usize,
    /// Fields of an event that both match; what is not named may be anything.
    example: BTreeMap<&'static str, String>,
    /// Which group wins and why, in a sentence.
    warning: String,
}

/// A filter group of a pair.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OverlappingGroup {
    /// Its id.
    #[schema(pattern = "^[a-z0-9]{10}$")]
    id: String,
    /// Its name.
    name: String,
    /// The smaller one wins.
    priority: Option<u32>,
}

impl OverlappingGroup {
    fn of(entry: &IntegrationEntry, id: FilterGroupId) -> Self {
        let group = entry.groups.iter().find(|group| group.id == id);
        Self {
            id: id.to_string(),
            name: group.map(|group| group.name.clone()).unwrap_or_default(),
            priority: group.and_then(|group| group.priority),
        }
    }
}

impl GroupOverlap {
    fn of(entry: &IntegrationEntry, overlap: &Overlap) -> Self {
        let winner = OverlappingGroup::of(entry, overlap.winner);
        let other = OverlappingGroup::of(entry, overlap.other);
        let example: BTreeMap<_, _> =
            overlap.example.iter().map(|(column, value)| (column.name(), value.clone())).collect();
        let event = match example.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>() {
            fields if fields.is_empty() => "Any event".to_owned(),
            fields => format!("An event with {}", fields.join(", ")),
        };
        let priority = |group: &OverlappingGroup| group.priority.unwrap_or_default();
        let warning = format!(
            "{event} matches both {} and {} equally well; {} judges it, because its priority {} comes before {}.",
            winner.name,
            other.name,
            winner.name,
            priority(&winner),
            priority(&other)
        );
        Self { winner, other, score: overlap.score, example, warning }
    }
}

/// List overlaps of filter groups
///
/// Pairs of active filter groups that some event matches by as many lists, so that only their priorities decide. The
/// Default group is in none of them: it is always last.
#[utoipa::path(
    get,
    path = "/integrations/{integration_id}/filter-groups/overlaps",
    operation_id = "list_filter_group_overlaps",
    params(("integration_id" = String, Path, description = "One of the organization's integrations.",
            pattern = "^[a-z0-9]{10}$")),
    responses(
        (status = 200, description = "The pairs, none where all is clear.", body = GroupOverlaps),
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params(id): Params<String>,
) -> Answer {
    let id = find_integration(&principal, &id)?;
    // It can have been deleted since the request came.
    let entry = state.catalog.snapshot().integration(id).cloned();
    let entry = entry.ok_or_else(|| ApiError::new(Code::NotFound))?;
    // Long lists take a while to compare.
    let found = tokio::task::spawn_blocking(move || find(&entry)).await;
    Ok(Json(found.map_err(|error| ApiError::internal("comparing filter groups", &error))?).into_response())
}

fn find(entry: &Arc<IntegrationEntry>) -> GroupOverlaps {
    let groups: Vec<&FilterGroup> = entry.groups.iter().map(|group| -> &FilterGroup { group }).collect();
    let found = overlaps(&groups);
    GroupOverlaps {
        overlaps: found.pairs.iter().map(|overlap| GroupOverlap::of(entry, overlap)).collect(),
        complete: found.complete,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestApp;
    use axum::body::Body;
    use axum::http::Request;
    use serde_json::{Value, json};

    #[tokio::test]
    async fn groups_that_only_their_priority_keeps_apart_are_told() {
        let app = TestApp::new().await;
        let (integration, organization) = (app.made.integration_id, app.made.organization_id);
        let path = format!("/integrations/{integration}/filter-groups");
        let mut ids = Vec::new();
        for (name, priority, offers, publishers) in [
            ("By offer", 2, json!(["7", "8"]), json!([])),
            ("By publisher", 5, json!([]), json!(["p"])),
            ("By both", 9, json!(["8"]), json!(["p"])),
            ("Apart", 3, json!(["9"]), json!([])),
        ] {
            let group = json!({"name": name, "priority": priority, "integration": integration,
                               "organization": organization, "offer_ids": offers, "publisher_ids": publishers});
            ids.push(app.call("POST", &path, group).await.created_id());
        }
        let get = |key: String| {
            let request = Request::get(format!("/tollgate/v1{path}/overlaps")).header("API-KEY", key);
            app.send(request.body(Body::empty()).unwrap())
        };
        let told = get(app.made.api_key.secret.expose().to_owned()).await;
        assert_eq!(told.status, 200, "{told:?}");
        assert_eq!(told.body["complete"], true);
        let pairs: Vec<_> = told.body["overlaps"].as_array().unwrap().iter().collect();
        let names = |pair: &Value| [pair["winner"]["name"].clone(), pair["other"]["name"].clone()];
        let found: Vec<_> = pairs.iter().map(|pair| names(pair)).collect();
        assert_eq!(
            found,
            [["By offer", "By publisher"], ["Apart", "By publisher"]]
                .map(|pair| pair.map(|name| json!(name)))
        );
        assert_eq!(pairs[0]["winner"], json!({"id": ids[0], "name": "By offer", "priority": 2}));
        assert_eq!(pairs[0]["example"], json!({"offer_id": "7", "publisher": "p"}));
        assert_eq!(
            pairs[0]["warning"],
            "An event with offer_id 7, publisher p matches both By offer and By publisher equally well; By offer \
             judges it, because its priority 2 comes before 5."
        );
        let neighbour = app.neighbour().await;
        assert_eq!(get(neighbour.api_key).await.status, 404);
    }
}
