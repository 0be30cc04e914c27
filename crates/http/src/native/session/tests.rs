//! Signing in and out, and what each role may do on every route of the document.

use crate::openapi::document;
use crate::origin::ClientAddress;
use crate::testing::{Answered, TestApp};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use tollgate_catalog::{SESSION_LIFETIME_SECONDS, User};

/// Someone who signed in, or tries to.
struct Browser<'a> {
    app: &'a TestApp,
    cookie: String,
    csrf: String,
}

const SESSION: &str = "/tollgate/v1/session";

async fn send(app: &TestApp, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answered {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:8080");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = match body {
        Value::Null => request.body(Body::empty()),
        body => request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())),
    };
    app.send(request.unwrap()).await
}

impl<'a> Browser<'a> {
    async fn sign_in(app: &'a TestApp, body: &Value) -> Self {
        let answered = send(app, "POST", SESSION, &[], body).await;
        assert_eq!(answered.status, StatusCode::OK, "{answered:?}");
        assert_eq!(answered.header("cache-control"), Some("no-store"));
        let cookie = answered.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        Self { app, cookie, csrf: answered.body["csrf_token"].as_str().unwrap().to_owned() }
    }

    async fn owner(app: &'a TestApp) -> Self {
        let admin = &app.made.admin;
        Self::sign_in(app, &json!({"email": admin.id, "password": admin.secret.expose()})).await
    }

    /// A new user with this role, made by this owner and signed in.
    async fn colleague(&self, role: &str) -> Self {
        let email = format!("{role}@example.com");
        let made = self.call("POST", "/tollgate/v1/users", &json!({"email": email, "role": role})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        Self::sign_in(self.app, &json!({"email": email, "password": made.body["password"]})).await
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Answered {
        let headers = [("cookie", self.cookie.as_str()), ("x-csrf-token", self.csrf.as_str())];
        send(self.app, method, path, &headers, body).await
    }

    async fn status(&self, method: &str, path: &str) -> u16 {
        self.call(method, path, &Value::Null).await.status.as_u16()
    }
}

/// The code of an error in any dialect.
fn code(answered: &Answered) -> &str {
    let body = &answered.body;
    body["code"].as_str().or_else(|| body["detail"][0]["type"].as_str()).unwrap_or_default()
}

/// What only owners may do.
const OWNERS: [(&str, &str); 7] = [
    ("POST", "/api/v2/api-keys"),
    ("DELETE", "/api/v2/api-keys/{api_key_id}"),
    ("POST", "/tollgate/v1/users"),
    ("PATCH", "/tollgate/v1/users/{user_id}"),
    ("DELETE", "/tollgate/v1/users/{user_id}"),
    ("POST", "/tollgate/v1/users/{user_id}/password"),
    ("POST", "/tollgate/v1/users/{user_id}/link"),
];

/// What every role may do about itself.
const PASSWORD: &str = "/tollgate/v1/session/password";

#[tokio::test]
async fn every_route_holds_each_role_to_what_it_may_do() {
    let app = TestApp::new().await;
    let owner = Browser::owner(&app).await;
    let (manager, analyst) = (owner.colleague("manager").await, owner.colleague("analyst").await);
    let document: Value = serde_json::from_str(&document()).unwrap();
    let mut refused = 0;
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let security = operation["security"].as_array().unwrap();
            let with_session = security.iter().any(|one| one.get("session").is_some());
            if !with_session || template == SESSION {
                continue;
            }
            let method = method.to_uppercase();
            let path: Vec<_> =
                template.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
            let body = if operation.get("requestBody").is_some() { json!({}) } else { Value::Null };
            for (name, browser) in [("owner", &owner), ("manager", &manager), ("analyst", &analyst)] {
                let answered = browser.call(&method, &path.join("/"), &body).await;
                let of_owners = OWNERS.contains(&(method.as_str(), template.as_str()));
                let allowed = match name {
                    "owner" => true,
                    "manager" => !of_owners,
                    _ => method == "GET" || template == PASSWORD,
                };
                assert_ne!(answered.status, StatusCode::UNAUTHORIZED, "{method} {template}: {answered:?}");
                let is_refused = code(&answered) == "insufficient_role";
                assert_eq!(is_refused, !allowed, "{name}: {method} {template}: {answered:?}");
                assert_eq!(answered.status == StatusCode::FORBIDDEN, is_refused, "{answered:?}");
                refused += usize::from(is_refused);
            }
        }
    }
    assert!(refused > 50, "{refused}");
    let operations = document["paths"].as_object().unwrap();
    for (method, template) in OWNERS {
        assert!(operations[template].get(method.to_lowercase()).is_some(), "{method} {template}");
    }
}

#[tokio::test]
async fn a_session_begins_is_used_and_ends() {
    let app = TestApp::new().await;
    let admin = &app.made.admin;
    let right = json!({"email": admin.id.to_uppercase(), "password": admin.secret.expose()});
    for wrong in [
        json!({"email": admin.id, "password": "nonsense"}),
        json!({"email": "nobody@example.com", "password": admin.secret.expose()}),
        json!({"invitation": "nonsense"}),
    ] {
        let answered = send(&app, "POST", SESSION, &[], &wrong).await;
        assert_eq!((answered.status.as_u16(), code(&answered)), (401, "unauthorized"), "{answered:?}");
        assert_eq!(answered.header("set-cookie"), None);
    }
    let browser = Browser::sign_in(&app, &right).await;
    let me = send(&app, "GET", SESSION, &[("cookie", &browser.cookie)], &Value::Null).await;
    assert_eq!((me.status.as_u16(), &me.body["user"]["role"]), (200, &json!("owner")), "{me:?}");
    assert_eq!(me.body["csrf_token"], browser.csrf);
    for path in ["/v5/apps", "/api/v2/integrations", "/tollgate/v1/audit-log"] {
        assert_eq!(browser.status("GET", path).await, 200, "{path}");
        for csrf in [None, Some("nonsense")] {
            let mut headers = vec![("cookie", browser.cookie.as_str())];
            headers.extend(csrf.map(|csrf| ("x-csrf-token", csrf)));
            let answered = send(&app, "GET", path, &headers, &Value::Null).await;
            assert_eq!((answered.status.as_u16(), code(&answered)), (403, "csrf_refused"), "{path}");
        }
        let both = [("cookie", browser.cookie.as_str()), ("authorization", "Bearer nonsense")];
        assert_eq!(send(&app, "GET", path, &both, &Value::Null).await.status, 401, "only the token counts");
    }
    let secret = browser.cookie.split_once('=').unwrap().1;
    let bearer = format!("Bearer {secret}");
    for path in ["/v5/apps", "/tollgate/v1/audit-log"] {
        let answered = send(&app, "GET", path, &[("authorization", &bearer)], &Value::Null).await;
        assert_eq!(answered.status, 401, "a session is no access token");
    }
    let other = Browser::sign_in(&app, &right).await;
    let without = send(&app, "DELETE", SESSION, &[("cookie", &browser.cookie)], &Value::Null).await;
    assert_eq!(without.status, 403);
    assert_eq!(browser.status("DELETE", SESSION).await, 204);
    assert_eq!(browser.status("GET", "/v5/apps").await, 401);
    assert_eq!(browser.status("GET", SESSION).await, 401);
    assert_eq!(other.status("GET", "/v5/apps").await, 200, "another session of the user goes on");
    app.clock.advance_seconds(SESSION_LIFETIME_SECONDS);
    assert_eq!(other.status("GET", "/v5/apps").await, 401, "it has expired");
}

#[tokio::test]
async fn the_cookie_may_be_plain_on_this_machine_only() {
    let app = TestApp::new().await;
    let admin = &app.made.admin;
    let body = json!({"email": admin.id, "password": admin.secret.expose()}).to_string();
    for (host, plain) in [
        ("127.0.0.1:8080", true),
        ("localhost", true),
        ("[::1]:8080", true),
        ("192.0.2.1:8080", false),
        ("gate.example", false),
        ("127.0.0.1.example", false),
    ] {
        let request = Request::post(SESSION).header("host", host).header("content-type", "application/json");
        let answered = app.send(request.body(Body::from(body.clone())).unwrap()).await;
        let cookie = answered.header("set-cookie").unwrap();
        assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
        assert_eq!(cookie.ends_with("; Secure"), !plain, "{host}: {cookie}");
        assert_eq!(cookie.starts_with("__Host-tollgate_session="), !plain, "{host}: {cookie}");
        // A cookie that another host of the domain could have set does not count where there is a better one.
        let secret = cookie.split(['=', ';']).nth(1).unwrap();
        for name in ["tollgate_session", "__Host-tollgate_session"] {
            let request =
                Request::get(SESSION).header("host", host).header("cookie", format!("{name}={secret}"));
            let status = app.send(request.body(Body::empty()).unwrap()).await.status;
            assert_eq!(status == 200, (name == "tollgate_session") == plain, "{host}: {name}");
        }
    }
}

#[tokio::test]
async fn an_invitation_lets_its_user_in_once() {
    let app = TestApp::new().await;
    let organization = app.made.organization_id;
    let snapshot = app.catalog.snapshot();
    let users = snapshot.organization(organization).unwrap().table::<User>();
    let user = users.iter().next().unwrap().id.clone();
    let secret = app.catalog.invite(organization, &user).await.unwrap();
    let body = json!({"invitation": secret.expose()});
    let browser = Browser::sign_in(&app, &body).await;
    assert_eq!(browser.status("GET", "/v5/apps").await, 200);
    assert_eq!(send(&app, "POST", SESSION, &[], &body).await.status, 401);
}

#[tokio::test]
async fn attempts_for_an_address_are_limited() {
    let app = TestApp::new().await;
    let attempt = async |email: &str| {
        send(&app, "POST", SESSION, &[], &json!({"email": email, "password": "guess"})).await
    };
    for _ in 0..10 {
        assert_eq!(attempt("someone@example.com").await.status, 401);
    }
    let mut refused = None;
    for _ in 0..50 {
        // On a slow machine an attempt or two may have come back meanwhile.
        let answered = attempt("SOMEONE@example.com").await;
        if answered.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answered);
            break;
        }
    }
    assert!(refused.expect("attempts end").header("retry-after").is_some());
    assert_eq!(attempt("another@example.com").await.status, 401);
}

#[tokio::test]
async fn users_are_made_changed_and_removed_by_owners() {
    let app = TestApp::new().await;
    let owner = Browser::owner(&app).await;
    let analyst = owner.colleague("analyst").await;
    let again = json!({"email": "ANALYST@example.com", "role": "owner"});
    let taken = owner.call("POST", "/tollgate/v1/users", &again).await;
    assert_eq!((taken.status.as_u16(), code(&taken)), (409, "email_taken"));
    let listed = owner.call("GET", "/tollgate/v1/users", &Value::Null).await;
    let items = listed.body["items"].as_array().unwrap();
    let id = |email: &str| items.iter().find(|user| user["email"] == email).unwrap()["id"].as_str().unwrap();
    let (admin, analyst_id) = (id(&app.made.admin.id), id("analyst@example.com"));
    assert!(!listed.body.to_string().contains("password"));

    let last = owner.call("DELETE", &format!("/tollgate/v1/users/{admin}"), &Value::Null).await;
    assert_eq!((last.status.as_u16(), code(&last)), (400, "last_owner"));
    let path = format!("/tollgate/v1/users/{analyst_id}");
    let promoted = owner.call("PATCH", &path, &json!({"role": "manager"})).await;
    assert_eq!((promoted.status.as_u16(), &promoted.body["role"]), (200, &json!("manager")));
    assert_eq!(analyst.status("POST", "/tollgate/v1/disclosures/accept").await, 200, "at once");

    let renewed = owner.call("POST", &format!("{path}/password"), &Value::Null).await;
    assert_eq!(analyst.status("GET", "/v5/apps").await, 401, "sessions of the old password end");
    let password = renewed.body["password"].as_str().unwrap();
    let body = json!({"email": "analyst@example.com", "password": password});
    let analyst = Browser::sign_in(&app, &body).await;
    assert_eq!(owner.status("DELETE", &path).await, 204);
    assert_eq!(analyst.status("GET", "/v5/apps").await, 401, "and those of a user who is gone");
    assert_eq!(send(&app, "POST", SESSION, &[], &body).await.status, 401);
}

#[tokio::test]
async fn a_users_key_may_do_no_more_than_the_user() {
    let app = TestApp::new().await;
    let owner = Browser::owner(&app).await;
    let other = owner.colleague("owner").await;
    let users = owner.call("GET", "/tollgate/v1/users", &Value::Null).await;
    let items = users.body["items"].as_array().unwrap();
    let other_id = items.iter().find(|user| user["email"] == "owner@example.com").unwrap()["id"].clone();
    let wanted = json!({"name": "mine", "scopes": ["read", "write"], "user": other_id});
    let made = other.call("POST", "/api/v2/api-keys", &wanted).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let key = made.body["api_key"].as_str().unwrap_or_else(|| panic!("{made:?}")).to_owned();
    let user = json!({"email": "new@example.com", "role": "owner"});
    for (role, may_write) in [("manager", true), ("analyst", false)] {
        let path = format!("/tollgate/v1/users/{}", other_id.as_str().unwrap());
        assert_eq!(owner.call("PATCH", &path, &json!({"role": role})).await.status, 200);
        for (path, body, allowed) in [
            ("/tollgate/v1/users", &user, false),
            ("/api/v2/api-keys", &wanted, false),
            ("/tollgate/v1/disclosures/accept", &Value::Null, may_write),
        ] {
            let answered = send(&app, "POST", path, &[("api-key", &key)], body).await;
            let is_refused =
                answered.status == StatusCode::FORBIDDEN && code(&answered) == "insufficient_role";
            assert_eq!(is_refused, !allowed, "{role}, {path}: {answered:?}");
        }
        let read = send(&app, "GET", "/api/v2/integrations", &[("api-key", &key)], &Value::Null).await;
        assert_eq!(read.status, 200, "{role}: {read:?}");
    }
}

#[tokio::test]
async fn two_passwords_are_hashed_at_a_time_and_nobody_waits_for_long() {
    let app = TestApp::new().await;
    let limits = &app.limits;
    let held = [limits.place_for_password().await.unwrap(), limits.place_for_password().await.unwrap()];
    let body = json!({"email": "someone@example.com", "password": "guess"});
    let busy = send(&app, "POST", SESSION, &[], &body).await;
    assert_eq!((busy.status.as_u16(), busy.header("retry-after")), (503, Some("1")), "{busy:?}");
    drop(held);
    assert_eq!(send(&app, "POST", SESSION, &[], &body).await.status, 401);
}

#[tokio::test]
async fn users_choose_passwords_at_the_end_of_a_link_and_when_they_are_signed_in() {
    let app = TestApp::new().await;
    let owner = Browser::owner(&app).await;
    let analyst = owner.colleague("analyst").await;
    let users = owner.call("GET", "/tollgate/v1/users", &Value::Null).await;
    let items = users.body["items"].as_array().unwrap();
    let id = items.iter().find(|user| user["email"] == "analyst@example.com").unwrap()["id"].clone();
    let path = format!("/tollgate/v1/users/{}/link", id.as_str().unwrap());
    assert_eq!(analyst.status("POST", &path).await, 403);
    let former = owner.call("POST", &path, &Value::Null).await;
    let made = owner.call("POST", &path, &Value::Null).await;
    assert_eq!((made.status.as_u16(), made.header("cache-control")), (201, Some("no-store")), "{made:?}");
    let invitation = made.body["invitation"].as_str().unwrap();
    let url = format!("http://127.0.0.1:8080/console/#choose-password={invitation}");
    assert_eq!(made.body["url"], url);
    assert_eq!(analyst.status("GET", "/v5/apps").await, 200, "nothing ends before the link is used");

    let chosen = "correct horse battery";
    let with =
        |invitation: &Value, password: &str| json!({"invitation": invitation, "new_password": password});
    let once = &made.body["invitation"];
    for wrong in ["too short", "analyst@EXAMPLE.com", &"x".repeat(257)] {
        let refused = send(&app, "POST", SESSION, &[], &with(once, wrong)).await;
        assert_eq!((refused.status.as_u16(), refused.error_fields()), (400, vec!["new_password"]), "{wrong}");
    }
    let used = send(&app, "POST", SESSION, &[], &with(&former.body["invitation"], chosen)).await;
    assert_eq!(used.status, 401, "a later link takes the place of an earlier one");
    let browser = Browser::sign_in(&app, &with(once, chosen)).await;
    assert_eq!(analyst.status("GET", "/v5/apps").await, 401, "sessions of the former password end");
    assert_eq!(send(&app, "POST", SESSION, &[], &with(once, chosen)).await.status, 401, "it works once");
    let sign_in = |password: &str| json!({"email": "analyst@example.com", "password": password});
    let other = Browser::sign_in(&app, &sign_in(chosen)).await;

    let next = "staple of the same sort";
    let change = |old: &str, new: &str| json!({"old_password": old, "new_password": new});
    for (old, new, field) in [
        ("wrong", next, "old_password"),
        (chosen, "short", "new_password"),
        (chosen, "Analyst@example.com", "new_password"),
    ] {
        let refused = browser.call("PUT", PASSWORD, &change(old, new)).await;
        assert_eq!((refused.status.as_u16(), refused.error_fields()), (400, vec![field]), "{refused:?}");
    }
    let cookie = [("cookie", browser.cookie.as_str())];
    assert_eq!(
        send(&app, "PUT", PASSWORD, &cookie, &change(chosen, next)).await.status,
        403,
        "no CSRF token"
    );
    let link = owner.call("POST", &path, &Value::Null).await;
    assert_eq!(browser.call("PUT", PASSWORD, &change(chosen, next)).await.status, 204);
    assert_eq!((browser.status("GET", "/v5/apps").await, other.status("GET", "/v5/apps").await), (200, 401));
    for body in [sign_in(chosen), with(&link.body["invitation"], chosen)] {
        assert_eq!(send(&app, "POST", SESSION, &[], &body).await.status, 401);
    }
    Browser::sign_in(&app, &sign_in(next)).await;
}

#[tokio::test]
async fn an_address_that_another_organization_has_is_nobodys_business() {
    let app = TestApp::new().await;
    let neighbour = app.neighbour().await;
    let owner = Browser::owner(&app).await;
    let body = json!({"email": app.made.admin.id, "role": "owner"});
    let key = [("api-key", neighbour.api_key.as_str())];
    let made = send(&app, "POST", "/tollgate/v1/users", &key, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let theirs = json!({"email": app.made.admin.id, "password": made.body["password"]});
    let theirs = send(&app, "POST", SESSION, &[], &theirs).await;
    assert_eq!(theirs.body["organization"]["id"], neighbour.organization.to_string(), "{theirs:?}");
    let mine = send(&app, "GET", SESSION, &[("cookie", &owner.cookie)], &Value::Null).await;
    assert_eq!(mine.body["organization"]["id"], app.made.organization_id.to_string());
}

/// Signs in from somewhere; answers the status, and the organization where it is one.
async fn sign_in_from(app: &TestApp, place: &str, body: &Value) -> (u16, Value) {
    let request = Request::post(SESSION).header(header::HOST, "127.0.0.1:8080");
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let mut request = request.body(Body::from(body.to_string())).unwrap();
    ClientAddress::note(request.extensions_mut(), place.parse().unwrap(), false);
    let answered = app.send(request).await;
    (answered.status.as_u16(), answered.body["organization"]["id"].clone())
}

#[tokio::test]
async fn a_password_that_opens_two_organizations_is_asked_which() {
    let app = TestApp::new().await;
    let neighbour = app.neighbour().await;
    let (email, password) = (&app.made.admin.id, app.made.admin.secret.expose());
    let body = json!({"email": email, "role": "owner"});
    let key = [("api-key", neighbour.api_key.as_str())];
    let made = send(&app, "POST", "/tollgate/v1/users", &key, &body).await;
    let link = format!("/tollgate/v1/users/{}/link", made.body["id"].as_str().unwrap());
    let link = send(&app, "POST", &link, &key, &Value::Null).await;
    let same = json!({"invitation": link.body["invitation"], "new_password": password});
    Browser::sign_in(&app, &same).await;

    let mut body = json!({"email": email, "password": password});
    let asked = send(&app, "POST", SESSION, &[], &body).await;
    assert_eq!((asked.status.as_u16(), code(&asked)), (409, "organization_ambiguous"), "{asked:?}");
    assert_eq!((asked.header("set-cookie"), asked.header("cache-control")), (None, Some("no-store")));
    let mut offered: Vec<_> = asked.body["organizations"].as_array().unwrap().iter().collect();
    offered.sort_by_key(|one| one["name"] != "Neighbour");
    assert_eq!(offered[0], &json!({"id": neighbour.organization, "name": "Neighbour"}));
    assert_eq!((offered.len(), &offered[1]["id"]), (2, &json!(app.made.organization_id)));
    for organization in [app.made.organization_id, neighbour.organization] {
        body["organization"] = json!(organization);
        let session = send(&app, "POST", SESSION, &[], &body).await;
        assert_eq!(session.body["organization"]["id"], json!(organization), "{session:?}");
    }
    for (organization, status) in
        [(json!("eeeeeeeeeeeeeeeeeeeeeeee"), 401), (json!("?"), 400), (json!(null), 400)]
    {
        body["organization"] = organization;
        let refused = send(&app, "POST", SESSION, &[], &body).await;
        assert_eq!(refused.status, status, "{refused:?}");
        assert_eq!(refused.error_fields(), if status == 400 { vec!["organization"] } else { vec![] });
    }
    let wrong = json!({"email": email, "password": "nonsense"});
    assert_eq!(send(&app, "POST", SESSION, &[], &wrong).await.status, 401, "nobody else learns of them");
}

#[tokio::test]
async fn a_link_makes_the_place_of_its_user_known_and_of_no_other_user_of_the_address() {
    let app = TestApp::new().await;
    let neighbour = app.neighbour().await;
    let owner = Browser::owner(&app).await;
    let body = json!({"email": "both@example.com", "role": "analyst"});
    let mine = owner.call("POST", "/tollgate/v1/users", &body).await;
    let key = [("api-key", neighbour.api_key.as_str())];
    let theirs = send(&app, "POST", "/tollgate/v1/users", &key, &body).await;
    let link = format!("/tollgate/v1/users/{}/link", mine.body["id"].as_str().unwrap());
    let link = owner.call("POST", &link, &Value::Null).await;
    let (here, there, chosen) = ("192.0.2.1", "192.0.2.2", "correct horse battery");
    let with_link = json!({"invitation": link.body["invitation"], "new_password": chosen});
    let organization = json!(app.made.organization_id);
    assert_eq!(sign_in_from(&app, here, &with_link).await, (200, organization.clone()));
    let mine = json!({"email": "both@example.com", "password": chosen});
    let theirs = json!({"email": "both@example.com", "password": theirs.body["password"]});
    assert_eq!(sign_in_from(&app, there, &theirs).await, (200, json!(neighbour.organization)));

    let guess = |n: u32| {
        let place = format!("198.51.{}.{}", n / 256, n % 256).parse().unwrap();
        app.limits.sign_ins.count("both@example.com", place, [])
    };
    let exhaust = || assert!((0..1000).any(|n| guess(n).is_err()), "too many guesses elsewhere");
    exhaust();
    assert_eq!(sign_in_from(&app, here, &mine).await, (200, organization));
    exhaust();
    assert_eq!(sign_in_from(&app, there, &theirs).await, (200, json!(neighbour.organization)));
    exhaust();
    assert_eq!(sign_in_from(&app, there, &mine).await.0, 401, "another user was there");
    exhaust();
    assert_eq!(sign_in_from(&app, "192.0.2.3", &mine).await.0, 429);
}

#[tokio::test]
async fn links_that_are_made_up_are_counted() {
    let app = TestApp::new().await;
    let guess = async || send(&app, "POST", SESSION, &[], &json!({"invitation": "nonsense"})).await.status;
    let mut statuses = Vec::new();
    // On a slow machine some attempts come back meanwhile.
    for _ in 0..600 {
        statuses.push(guess().await);
        if statuses.last() == Some(&StatusCode::TOO_MANY_REQUESTS) {
            break;
        }
    }
    assert!(statuses[..60].iter().all(|status| *status == StatusCode::UNAUTHORIZED));
    assert_eq!(statuses.last(), Some(&StatusCode::TOO_MANY_REQUESTS));
}
