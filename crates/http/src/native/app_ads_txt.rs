//! `POST /apps/{app_id}/app-ads-txt/check`: looks at the developer's app-ads.txt now.

use super::auth::Principal;
use super::schema::{MissingProblem, NativeProblem};
use super::{Answer, Params};
use crate::ApiState;
use crate::error::{ApiError, Code};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_domain::AppId;
use tollgate_domain::app_ads::AppAds;
use tollgate_jobs::app_ads_txt::{Check, CheckError};
use utoipa::ToSchema;

/// Seconds after which a caller may try again who found too many others.
const RETRY_AFTER: u32 = 5;

/// What a check of an app-ads.txt found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AppAdsTxtCheck {
    /// The app.
    #[schema(pattern = "^[0-9a-f]{24}$")]
    app_id: String,
    /// Whether the file is there and has every seller line of the organization. It is kept on the app.
    #[schema(schema_with = status_schema)]
    status: &'static str,
    /// The address that was asked.
    url: String,
    /// Why it is not verified.
    explanation: Option<String>,
    /// The seller lines that the file lacks.
    absent_lines: Vec<String>,
    /// What else the file says, when there is one.
    file: Option<AppAdsTxtFile>,
}

/// What an app-ads.txt says.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AppAdsTxtFile {
    /// Records that can be read.
    records: usize,
    /// Lines that are neither records nor variables nor comments.
    broken_lines: usize,
    /// The first 20 of them.
    #[schema(max_items = 20)]
    broken: Vec<BrokenLine>,
    /// The first 20 variables.
    #[schema(max_items = 20)]
    variables: Vec<AppAdsTxtVariable>,
}

/// A line that cannot be read.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BrokenLine {
    /// Its number.
    #[schema(minimum = 1)]
    line: usize,
    /// What is wrong with it.
    problem: String,
}

/// A variable, such as `OWNERDOMAIN`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AppAdsTxtVariable {
    /// Its name, upper case.
    name: &'static str,
    /// Its value.
    value: String,
}

fn status_schema() -> utoipa::openapi::ObjectBuilder {
    utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String).enum_values(Some([
        "verified",
        "missing",
        "mismatch",
        "unreachable",
    ]))
}

impl AppAdsTxtCheck {
    fn of(app: AppId, check: Check) -> Self {
        Self {
            app_id: app.to_string(),
            status: check.status.name(),
            url: check.url,
            explanation: check.explanation,
            absent_lines: check.absent,
            file: check.file.map(AppAdsTxtFile::of),
        }
    }
}

impl AppAdsTxtFile {
    fn of(file: AppAds) -> Self {
        let broken = |(line, problem): (usize, tollgate_domain::app_ads::LineError)| BrokenLine {
            line,
            problem: problem.to_string(),
        };
        let variable = |(name, value): (tollgate_domain::app_ads::Variable, String)| AppAdsTxtVariable {
            name: name.name(),
            value,
        };
        Self {
            records: file.records,
            broken_lines: file.broken_lines,
            broken: file.broken.into_iter().map(broken).collect(),
            variables: file.variables.into_iter().map(variable).collect(),
        }
    }
}

/// Check an app's app-ads.txt
///
/// Fetches `https://<developer domain>/app-ads.txt` and looks for every seller line of the organization: `verified`
/// when all are there, `mismatch` when one is not, `missing` when there is no such file, `unreachable` when that cannot
/// be told. Every app is also checked once a day.
#[utoipa::path(
    post,
    path = "/apps/{app_id}/app-ads-txt/check",
    operation_id = "check_app_ads_txt",
    params(("app_id" = String, Path, description = "The app.")),
    responses(
        (status = 200, description = "What was found; it stands on the app from now on.", body = AppAdsTxtCheck),
        (status = 409, description = "The app has no developer domain, or the organization no seller lines; \
                                      or the domain was changed meanwhile.",
         body = NativeProblem, content_type = "application/problem+json"),
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params(app): Params<String>,
) -> Answer {
    let missing = || ApiError::because(Code::NotFound, "There is no app with this id.");
    let app: AppId = app.parse().map_err(|_| missing())?;
    let checked = state.app_ads_txt.check(principal.organization_id(), app, principal.actor()).await;
    let conflict =
        |rule, message: &str| ApiError { rule: Some(rule), ..ApiError::because(Code::Conflict, message) };
    let error = match checked {
        Ok(check) => return Ok(Json(AppAdsTxtCheck::of(app, check)).into_response()),
        Err(CheckError::NoApp) => missing(),
        Err(CheckError::NoDeveloperDomain) => conflict(
            "no_developer_domain",
            "The app has no developer domain: it is not known whose app-ads.txt speaks for it.",
        ),
        Err(CheckError::NoSellerLines) => conflict(
            "no_seller_lines",
            "The organization has no seller lines: there is nothing to look for in the file.",
        ),
        Err(CheckError::Changed) => conflict(
            "developer_domain_changed",
            "The app's developer domain was changed while its file was fetched; check again.",
        ),
        Err(CheckError::Busy) => ApiError {
            retry_after: Some(RETRY_AFTER),
            ..ApiError::because(Code::Unavailable, "Too many files are being fetched; try again.")
        },
        Err(CheckError::Write(error)) => error.into(),
    };
    Err(error.into())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Answered, TestApp};
    use axum::body::Body;
    use axum::http::Request;
    use serde_json::{Value, json};
    use tollgate_catalog::{Actor, Organization, Scope};
    use tollgate_domain::App;
    use tollgate_outbound::Options;
    use tollgate_outbound::testing::{ok, options, tls_server};

    async fn check(app: &TestApp, key: &str, id: &str) -> Answered {
        let path = format!("/tollgate/v1/apps/{id}/app-ads-txt/check");
        app.send(Request::post(path).header("API-KEY", key).body(Body::empty()).unwrap()).await
    }

    /// Gives the app a developer domain, and the organization a seller line.
    async fn settle(app: &TestApp, id: &str, domain: Option<&str>, line: Option<&str>) {
        let (organization, actor) = (app.made.organization_id, Actor::command_line());
        let write = app.catalog.write(organization, &actor, |draft| {
            let found = draft.require::<App>(id, None)?;
            draft.update(App { developer_domain: domain.map(str::to_owned), ..App::clone(&found) }, None)?;
            let found = draft.require::<Organization>(organization.as_str(), None)?;
            let seller_lines = line.map(str::to_owned).into_iter().collect();
            draft.update(Organization { seller_lines, ..Organization::clone(&found) }, None)
        });
        write.await.unwrap();
    }

    #[tokio::test]
    async fn a_check_tells_what_it_found_and_the_app_shows_it() {
        let (address, certificate) = tls_server("dev.example", |_, stream| {
            ok(stream, "OWNERDOMAIN=owner.example\ntollgate.example, 7, DIRECT\nbroken\n")
        });
        let outbound = Options {
            authorities: vec![certificate],
            plain_http: false,
            ..options(&[("dev.example", address)])
        };
        let app = TestApp::with_outbound(outbound).await;
        let publisher = app.publisher().await;
        let id = publisher.new_app(json!({})).await;
        let key = app.made.api_key.secret.expose();
        let shown = async || {
            let shown = publisher.call("GET", &format!("/v5/apps/{id}"), Value::Null).await;
            shown.body["app_ads_txt_status"].clone()
        };
        let none = check(&app, key, &id).await;
        assert_eq!((none.status.as_u16(), &none.body["code"]), (409, &json!("no_developer_domain")));
        settle(&app, &id, Some("dev.example"), None).await;
        let none = check(&app, key, &id).await;
        assert_eq!((none.status.as_u16(), &none.body["code"]), (409, &json!("no_seller_lines")));
        assert_eq!(shown().await, Value::Null);

        settle(&app, &id, Some("dev.example"), Some("tollgate.example, 7, DIRECT")).await;
        let found = check(&app, key, &id).await;
        assert_eq!(found.status, 200);
        let expected = json!({
            "app_id": id, "status": "verified", "url": "https://dev.example/app-ads.txt", "explanation": null,
            "absent_lines": [],
            "file": {
                "records": 1, "broken_lines": 1,
                "broken": [{"line": 3, "problem": "must have three or four fields, separated by commas"}],
                "variables": [{"name": "OWNERDOMAIN", "value": "owner.example"}],
            },
        });
        assert_eq!(found.body, expected);
        assert_eq!(shown().await, "verified");

        settle(&app, &id, Some("dev.example"), Some("tollgate.example, 8, DIRECT")).await;
        let found = check(&app, key, &id).await;
        assert_eq!(found.body["status"], "mismatch");
        assert_eq!(found.body["absent_lines"], json!(["tollgate.example, 8, DIRECT"]));
        settle(&app, &id, Some("localhost"), Some("tollgate.example, 7, DIRECT")).await;
        let found = check(&app, key, &id).await;
        assert_eq!((&found.body["status"], &found.body["file"]), (&json!("unreachable"), &Value::Null));
        assert_eq!(shown().await, "unreachable");
    }

    #[tokio::test]
    async fn only_who_may_write_in_the_apps_organization_may_check() {
        let app = TestApp::new().await;
        let id = app.publisher().await.new_app(json!({})).await;
        settle(&app, &id, Some("dev.example"), Some("tollgate.example, 7, DIRECT")).await;
        let reader = app.key_with(&[Scope::Read]).await;
        assert_eq!(check(&app, &reader, &id).await.status, 403);
        let neighbour = app.neighbour().await.api_key;
        let key = app.made.api_key.secret.expose();
        let unknown = check(&app, key, "0123456789abcdef01234567").await;
        assert_eq!(unknown.header("content-type"), Some("application/problem+json"));
        for (key, id) in [(neighbour.as_str(), id.as_str()), (key, "x")] {
            let answered = check(&app, key, id).await;
            assert_eq!((answered.status.as_u16(), &answered.body), (404, &unknown.body), "{id}");
        }
        assert_eq!(check(&app, key, "%FF").await.status, 404);
    }
}
