//! Apps through the real router: the vendor's examples, bad input, lists, life and death. What these tests share is shared
//! with those of ad locations.

mod bad_input;
mod golden;
mod lists;
mod rules;
mod scale;

use crate::chartboost::testing::Publisher;
use crate::testing::{Answered, TestApp};
use serde_json::{Value, json};
use tollgate_catalog::{Actor, Organization};

/// Makes an app that is not live and answers its id.
pub(crate) async fn make_app(publisher: &Publisher<'_>, nickname: &str) -> String {
    let fields = json!({"nickname": nickname, "is_live": false, "store_app_id": null, "store_app_url": null,
        "store_bundle_id": null});
    publisher.new_app(fields).await
}

/// A request with headers and, unless it is null, a JSON body.
pub(in crate::chartboost) async fn send(
    publisher: &Publisher<'_>,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Value,
) -> Answered {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    publisher.send(method, path, &text, headers).await
}

/// A request whose body is this text of this type.
pub(in crate::chartboost) async fn send_text(
    publisher: &Publisher<'_>,
    method: &str,
    path: &str,
    kind: &str,
    body: &str,
) -> Answered {
    publisher.send(method, path, body, &[("content-type", kind)]).await
}

/// Changes the caller's organization.
pub(crate) async fn change_organization(home: &TestApp, change: impl Fn(&mut Organization)) {
    let id = home.made.organization_id;
    let actor = Actor::command_line();
    let write = home.catalog.write(id, &actor, |draft| {
        let mut organization = draft.require::<Organization>(id.as_str(), None)?.value.clone();
        change(&mut organization);
        draft.update(organization, None)
    });
    write.await.unwrap();
}

/// The entries of `detail` in a stable order.
pub(in crate::chartboost) fn details(answered: &Answered) -> Vec<(String, String)> {
    let mut details = answered.details();
    details.sort();
    details
}

/// The names of an object's fields, sorted.
pub(in crate::chartboost) fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
