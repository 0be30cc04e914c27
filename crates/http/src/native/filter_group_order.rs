//! `PUT /integrations/{integration_id}/filter-groups/order`: all priorities of an integration in one write, so that no group
//! is ever without one and none is given twice on the way.

use super::auth::Principal;
use super::schema::{BodyProblem, MissingProblem};
use super::{Answer, Params, find_integration};
use crate::ApiState;
use crate::body::read_json_object;
use crate::error::ApiError;
use crate::fields::Fields;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_catalog::order_filter_groups;
use utoipa::ToSchema;

/// Most groups of an integration that can be put in order.
const MOST_GROUPS: usize = 10_000;

/// The filter groups of an integration, the first one first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FilterGroupOrder {
    /// Every group but the Default group, which stays last, once.
    #[schema(max_items = 10000)]
    filter_group_ids: Vec<String>,
}

/// Order an integration's filter groups
///
/// Gives them the priorities 1, 2, 3, … in this order. Groups that were made or deleted since the order was read make it
/// 400.
#[utoipa::path(
    put,
    path = "/integrations/{integration_id}/filter-groups/order",
    operation_id = "order_filter_groups",
    params(("integration_id" = String, Path, description = "The integration's id.")),
    request_body = FilterGroupOrder,
    responses(
        (status = 200, description = "The order as it is now.", body = FilterGroupOrder),
        MissingProblem,
        BodyProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params(integration): Params<String>,
    request: Request,
) -> Answer {
    let integration = find_integration(&principal, &integration)?;
    let mut fields = Fields::lenient(read_json_object(request).await?);
    let order =
        fields.required("filter_group_ids", |fields| fields.texts("filter_group_ids", 0..=MOST_GROUPS, 64));
    let errors = fields.finish();
    let Some(order) = order.filter(|_| errors.is_empty()) else {
        return Err(ApiError::invalid(errors).into());
    };
    let (organization, actor) = (principal.organization_id(), principal.actor());
    state.catalog.write(organization, actor, |draft| order_filter_groups(draft, integration, &order)).await?;
    Ok(Json(FilterGroupOrder { filter_group_ids: order }).into_response())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Answered, TestApp};
    use axum::body::Body;
    use axum::http::Request;
    use serde_json::{Value, json};

    async fn order(app: &TestApp, ids: &[&str]) -> Answered {
        let path = format!("/tollgate/v1/integrations/{}/filter-groups/order", app.made.integration_id);
        let request = Request::put(path).header("API-KEY", app.made.api_key.secret.expose());
        let body = json!({"filter_group_ids": ids}).to_string();
        app.send(request.header("Content-Type", "application/json").body(Body::from(body)).unwrap()).await
    }

    async fn make(app: &TestApp, groups: &str, name: &str, priority: u32) -> String {
        let (integration, organization) = (app.made.integration_id, app.made.organization_id);
        let body = json!({"name": name, "priority": priority, "integration": integration, "organization": organization});
        app.call("POST", groups, body).await.created_id()
    }

    async fn stored(app: &TestApp, groups: &str) -> Vec<(String, Value)> {
        let listed = app.call("GET", groups, Value::Null).await;
        let all = listed.body["data"].as_array().unwrap().iter();
        let mut all: Vec<_> =
            all.map(|one| (one["name"].as_str().unwrap().to_owned(), one["priority"].clone())).collect();
        all.sort_by_key(|(_, priority)| priority.as_u64().unwrap_or(u64::MAX));
        all
    }

    #[tokio::test]
    async fn all_priorities_are_given_in_one_write_or_none() {
        let app = TestApp::new().await;
        let groups = format!("/integrations/{}/filter-groups", app.made.integration_id);
        let mut ids = Vec::new();
        for (name, priority) in [("a", 1), ("b", 2), ("c", 7)] {
            ids.push(make(&app, &groups, name, priority).await);
        }
        let [a, b, c] = [&*ids[0], &*ids[1], &*ids[2]];
        let default = app.call("GET", &groups, Value::Null).await.body["data"].as_array().unwrap().clone();
        let default = default.iter().find(|one| one["priority"].is_null()).unwrap()["id"].clone();
        for wrong in
            [&[a, b][..], &[a, b, c, c], &[a, b, default.as_str().unwrap()], &[a, b, c, "zzzzzzzzzz"]]
        {
            let refused = order(&app, wrong).await;
            assert_eq!(refused.status, 400, "{wrong:?}");
            assert!(refused.error_fields()[0].starts_with("filter_group_ids"), "{refused:?}");
        }
        let before = stored(&app, &groups).await;
        assert_eq!(before[..3], [("a", 1), ("b", 2), ("c", 7)].map(|(name, n)| (name.to_owned(), json!(n))));
        let done = order(&app, &[c, a, b]).await;
        assert_eq!((done.status.as_u16(), &done.body["filter_group_ids"]), (200, &json!([c, a, b])));
        let after = stored(&app, &groups).await;
        assert_eq!(after[..3], [("c", 1), ("a", 2), ("b", 3)].map(|(name, n)| (name.to_owned(), json!(n))));
        assert_eq!(after[3], ("Default".to_owned(), Value::Null), "it stays last");
    }

    #[tokio::test]
    async fn a_group_is_changed_at_the_version_that_was_read_only() {
        let app = TestApp::new().await;
        let groups = format!("/integrations/{}/filter-groups", app.made.integration_id);
        let id = make(&app, &groups, "a", 1).await;
        let path = format!("{groups}/{id}");
        let patch = async |tag: &str, name: &str| {
            let request = Request::patch(format!("/api/v2{path}")).header("If-Match", tag);
            let request = request.header("API-KEY", app.made.api_key.secret.expose());
            let body = Body::from(json!({"name": name}).to_string());
            app.send(request.header("Content-Type", "application/json").body(body).unwrap()).await
        };
        let read = app.call("GET", &path, Value::Null).await;
        let tag = read.header("etag").unwrap().to_owned();
        assert_eq!(patch(&tag, "mine").await.status, 200);
        let late = patch(&tag, "theirs").await;
        assert_eq!((late.status.as_u16(), late.body["code"].as_str()), (412, Some("precondition_failed")));
        assert_eq!(app.call("GET", &path, Value::Null).await.body["name"], "mine");
    }
}
