//! The OpenAPI document: made of what stands beside each handler, served at `/openapi.json`, with a page to read it at
//! `/docs`. Routes come into the router and into the document by the same call, so neither has what the other lacks.

#[cfg(test)]
mod isolation;
mod pages;
#[cfg(test)]
mod tests;

use crate::{ApiState, chartboost, clickshield, native, oauth, session};
use axum::Router;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Components, OpenApi};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;

/// A token of the token endpoints.
const TOKEN: &str = "access_token";
/// Client id and secret in the Authorization header, of each version.
const CLIENTS: [&str; 2] = ["client_v4", "client_v5"];
/// The older credentials, among the parameters.
const USER_ID: &str = "user_id";
const USER_SIGNATURE: &str = "user_signature";
/// A key of the house's own, by its scopes.
const API_KEY: &str = "api_key";
/// A user's session, by the role.
const SESSION: &str = "session";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Tollgate",
        description = "The publisher management API, versions 4 and 5, with its token endpoints; the traffic quality API \
                       under /api/v2; and the house's own additions under /tollgate/v1. Unknown fields of bodies and \
                       unknown parameters are ignored; the traffic quality API refuses them.",
    ),
    tags(
        (name = "Tokens", description = "OAuth 2.0, client credentials grant: RFC 6749."),
        (name = "Apps", description = "Apps and what is stored about them."),
        (name = "Ad locations", description = "Places in an app where ads are shown, with a price per country."),
        (name = "Lists", description = "Lists of blocked content categories."),
        (name = "Monetization settings", description = "Which ads an app shows, and how."),
        (name = "Analytics", description = "Figures with amounts of money, and the jobs that make files of them."),
        (name = "Account", description = "Campaigns, apps and the account, for a user id and its signature."),
        (name = "Integrations", description = "The traffic of one tracker or app network, with its settings."),
        (name = "Filter groups", description = "Which filters judge which events of an integration."),
        (name = "API keys", description = "Keys of this API, by their scopes."),
        (name = "Reports", description = "Judged events."),
        (name = "Download center", description = "Files of events: asked for, written in the background, fetched by a signed link."),
        (name = "Native", description = "What the vendor lacks. Errors are those of RFC 9457."),
    ),
    // What stands in sets of responses is not found by itself.
    components(schemas(
        oauth::TokenAnswer,
        oauth::TokenError,
        chartboost::Detail,
        chartboost::analytics::Refusal,
        chartboost::analytics::RefusalMessage,
        chartboost::analytics::Unauthenticated,
    )),
    modifiers(&Security)
)]
struct Frame;

/// The ways to prove who calls.
struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        let token =
            bearer.description(Some("A token of the token endpoints: `Authorization: Bearer TOKEN`."));
        let key = ApiKeyValue::with_description("API-KEY", "An API key, by its scopes.");
        let schemes = &mut document.components.get_or_insert_with(Components::new).security_schemes;
        schemes.insert(TOKEN.to_owned(), SecurityScheme::Http(token.build()).into());
        for name in CLIENTS {
            let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic);
            let client = basic.description(Some("The client's id and secret: RFC 6749, 2.3.1."));
            schemes.insert(name.to_owned(), SecurityScheme::Http(client.build()).into());
        }
        for (name, parameter) in [(USER_ID, "userId"), (USER_SIGNATURE, "userSignature")] {
            let about = "Of `tollgate credentials refresh v3`. It may stand in the body instead.";
            let value = ApiKeyValue::with_description(parameter, about);
            schemes.insert(name.to_owned(), SecurityScheme::ApiKey(ApiKey::Query(value)).into());
        }
        schemes.insert(API_KEY.to_owned(), SecurityScheme::ApiKey(ApiKey::Header(key)).into());
        let about = "A user's session, for pages of the console. Every request must also have `X-CSRF-Token`. Over plain HTTP on this \
             machine the cookie is called `tollgate_session`.";
        let session = ApiKeyValue::with_description(session::NAME, about);
        schemes.insert(SESSION.to_owned(), SecurityScheme::ApiKey(ApiKey::Cookie(session)).into());
    }
}

/// What operations of the publisher dialect ask for.
pub(crate) fn by_token() -> Vec<SecurityRequirement> {
    any_of(&[TOKEN, SESSION])
}

/// What analytics ask for that know no tokens: a user id and its signature.
pub(crate) fn by_signature() -> Vec<SecurityRequirement> {
    vec![SecurityRequirement::new(USER_ID, NO_SCOPES).add(USER_SIGNATURE, NO_SCOPES)]
}

/// What operations of the traffic quality dialect ask for.
pub(crate) fn by_key() -> Vec<SecurityRequirement> {
    any_of(&[API_KEY, SESSION])
}

/// What operations of the native API ask for.
pub(crate) fn by_any() -> Vec<SecurityRequirement> {
    any_of(&[API_KEY, TOKEN, SESSION])
}

/// What operations ask for that are about the session itself.
pub(crate) fn by_session() -> Vec<SecurityRequirement> {
    any_of(&[SESSION])
}

fn any_of(names: &[&str]) -> Vec<SecurityRequirement> {
    names.iter().map(|name| SecurityRequirement::new(*name, NO_SCOPES)).collect()
}

/// The operations of a path, as far as our routes have them.
pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete]
        .into_iter()
        .filter_map(Option::as_mut)
}

/// There are no scopes in tokens, and those of keys are not the document's.
const NO_SCOPES: [&str; 0] = [];

/// Every route that stands in the document.
fn documented() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(Frame::openapi())
        .merge(oauth::routes())
        .merge(chartboost::routes())
        .merge(clickshield::routes())
        .merge(native::routes())
}

/// The document, as `/openapi.json` answers it.
pub fn document() -> String {
    text(documented().into_openapi())
}

/// The documented routes, and the document itself.
pub(crate) fn routes() -> Router<ApiState> {
    let (router, document) = documented().split_for_parts();
    router.merge(pages::routes(text(document)))
}

fn text(document: OpenApi) -> String {
    // A tree of texts and numbers can always be written; an empty document would fail every test that reads it.
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
