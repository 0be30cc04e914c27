//! What the document says of integrations.

use super::model::{DAYS_KEPT, FIELDS, PRIVACY, TRUST};
use crate::clickshield::schema::{
    SHORT_ID, any_text, boolean, choice, given_list, given_texts, id, integer, list, list_params, or_null,
    page, schemas, strict, text, url, whole, with_common, with_ignored,
};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

schemas! {
    /// An integration as it is to be made.
    NewIntegration = with_ignored(settings(), &["organization"]).required("name");
    /// What is to change of an integration; null clears.
    IntegrationChange = with_ignored(settings(), &["id", "integration", "organization"]);
    /// An integration.
    Integration = with_common(answered(), id(SHORT_ID), id(SHORT_ID));
    /// A page of integrations.
    IntegrationPage = page::<Integration>();
}

/// The parameters of the list.
pub(super) struct ListParams;

impl IntoParams for ListParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        list_params(FIELDS)
    }
}

/// What a body may say.
fn settings() -> ObjectBuilder {
    let nullable = |object: ObjectBuilder, kind| object.schema_type(or_null(kind));
    let link = strict()
        .property("url_id", text(1..=255))
        .property("name", nullable(text(0..=255), Type::String))
        .property("offer", nullable(text(1..=255), Type::String))
        .property("redirect_url", url())
        .property("fallback_url", url())
        .required("url_id");
    let offers = list(text(1..=255)).max_items(Some(10_000)).unique_items(true);
    let offer_group = whole([("name", text(1..=255).into()), ("offers", offers.into())]);
    let key = nullable(text(16..=256), Type::String);
    let kept = |about: &str| nullable(integer(DAYS_KEPT), Type::Integer).description(Some(about));
    strict()
        .property("name", text(1..=255))
        .property("active", boolean().description(Some("An inactive integration rejects every click.")))
        .property("monitoring_mode", boolean().description(Some("Verdicts are recorded, not enforced.")))
        .property("rtb_enabled", boolean())
        .property(
            "rtb_endpoint",
            url().description(Some("The bidder: https unless the operator allows http, without macros, and none of the networks that Tollgate does not connect to.")),
        )
        .property("rtb_tmax_ms", nullable(integer(10..=5000), Type::Integer))
        .property("time_zone", text(1..=4096).description(Some("An IANA name: `Europe/Berlin`.")))
        .property("redirect_url", url())
        .property("fallback_url", url())
        .property("preview_url", url())
        .property(
            "allowed_hosts",
            given_texts(1000, 255).description(Some("`example.com`, `*.example.com`.")),
        )
        .property("trust", choice(TRUST.iter().map(|(name, _)| *name)))
        .property("trusted_sources", given_texts(1000, 255).description(Some("Addresses and ranges (CIDR).")))
        .property("ip_privacy", choice(PRIVACY.iter().map(|(name, _)| *name)))
        .property("retention_days", kept("Days that events are kept; null is for ever."))
        .property("click_retention_days", kept("The same of clicks; null is as `retention_days` says."))
        .property("conversion_retention_days", kept("The same of conversions."))
        .property("impression_retention_days", kept("The same of impressions."))
        .property("links", given_list(link, 1000))
        .property("offer_groups", given_list(offer_group, 1000))
        .property("signing_key", key.description(Some("Written, and never answered.")))
}

/// What is answered beside the common fields.
fn answered() -> ObjectBuilder {
    let maybe = |kind| ObjectBuilder::new().schema_type(or_null(kind));
    let link = whole([
        ("url_id", any_text().into()),
        ("name", any_text().into()),
        ("offer", maybe(Type::String).into()),
        ("redirect_url", maybe(Type::String).into()),
        ("fallback_url", maybe(Type::String).into()),
    ]);
    let offer_group = whole([("name", any_text().into()), ("offers", list(any_text()).into())]);
    whole([
        ("name", any_text().into()),
        ("active", boolean().into()),
        ("monitoring_mode", boolean().into()),
        ("rtb_enabled", boolean().into()),
        ("rtb_endpoint", maybe(Type::String).into()),
        ("rtb_tmax_ms", maybe(Type::Integer).into()),
        ("time_zone", any_text().into()),
        ("redirect_url", maybe(Type::String).into()),
        ("fallback_url", maybe(Type::String).into()),
        ("preview_url", maybe(Type::String).into()),
        ("allowed_hosts", list(any_text()).into()),
        ("trust", choice(TRUST.iter().map(|(name, _)| *name)).into()),
        ("trusted_sources", list(any_text()).into()),
        ("ip_privacy", choice(PRIVACY.iter().map(|(name, _)| *name)).into()),
        ("retention_days", maybe(Type::Integer).into()),
        ("click_retention_days", maybe(Type::Integer).into()),
        ("conversion_retention_days", maybe(Type::Integer).into()),
        ("impression_retention_days", maybe(Type::Integer).into()),
        ("links", list(link).into()),
        ("offer_groups", list(offer_group).into()),
    ])
}
