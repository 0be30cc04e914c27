//! An integration as this dialect writes and reads it. The signing key is written and never read back.

use super::super::check;
use super::super::entity::{take_common, with_common};
use super::super::list::{Field, FieldType};
use super::waterfall;
use crate::fields::{Fields, Given};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::ops::RangeInclusive;
use tollgate_catalog::{Draft, Object, Refused, Stored, StoredSecret};
use tollgate_domain::{Integration, Invalid, IpPrivacy, Link, OfferGroup, OrganizationId, Trust};
use tollgate_rtb::Bidders;

/// The fields beside the common ones.
pub(super) const FIELDS: &[Field] = &[
    ("name", FieldType::Text),
    ("active", FieldType::Boolean),
    ("monitoring_mode", FieldType::Boolean),
    ("rtb_enabled", FieldType::Boolean),
    ("rtb_endpoint", FieldType::Exact),
    ("rtb_tmax_ms", FieldType::Number),
    ("time_zone", FieldType::Exact),
    ("redirect_url", FieldType::Exact),
    ("fallback_url", FieldType::Exact),
    ("preview_url", FieldType::Exact),
    ("allowed_hosts", FieldType::Text),
    ("trust", FieldType::Exact),
    ("trusted_sources", FieldType::Exact),
    ("ip_privacy", FieldType::Exact),
    ("retention_days", FieldType::Number),
    ("click_retention_days", FieldType::Number),
    ("conversion_retention_days", FieldType::Number),
    ("impression_retention_days", FieldType::Number),
    ("links", FieldType::Opaque),
    ("offer_groups", FieldType::Opaque),
];

/// The answered object: the stored document with the common fields.
pub(super) fn object(stored: &Stored<Integration>) -> Map<String, Value> {
    let own = match serde_json::to_value(&stored.value) {
        Ok(Value::Object(map)) => map,
        // A struct of plain fields is always an object.
        _ => Map::new(),
    };
    with_common(own, &stored.meta, Some(stored.id()), stored.organization)
}

/// What a body changes about an integration, and what is wrong with it.
#[derive(Debug, Clone)]
pub(super) struct IntegrationChange {
    name: Given<String>,
    active: Given<bool>,
    monitoring_mode: Given<bool>,
    rtb_enabled: Given<bool>,
    rtb_endpoint: Given<String>,
    rtb_tmax_ms: Given<u32>,
    time_zone: Given<String>,
    redirect_url: Given<String>,
    fallback_url: Given<String>,
    preview_url: Given<String>,
    allowed_hosts: Given<Vec<String>>,
    trust: Given<Trust>,
    trusted_sources: Given<Vec<String>>,
    ip_privacy: Given<IpPrivacy>,
    retention_days: Given<u32>,
    click_retention_days: Given<u32>,
    conversion_retention_days: Given<u32>,
    impression_retention_days: Given<u32>,
    links: Given<Vec<Link>>,
    offer_groups: Given<Vec<OfferGroup>>,
    signing_key: Given<String>,
    errors: Vec<Invalid>,
}

/// Degrees of trust, by name.
pub(super) const TRUST: &[(&str, Trust)] =
    &[("open", Trust::Open), ("listed", Trust::Listed), ("strict", Trust::Strict)];
/// What is stored of addresses, by name.
pub(super) const PRIVACY: &[(&str, IpPrivacy)] =
    &[("full", IpPrivacy::Full), ("truncated", IpPrivacy::Truncated)];
const URL_LENGTH: usize = 4096;
/// How many days events can be kept, unless they are kept for ever.
pub(super) const DAYS_KEPT: RangeInclusive<u32> = 1..=36_500;

impl IntegrationChange {
    /// Reads a body. `id` is that of the path; without one the integration is new and must have a name. Its bidder
    /// must be one of the `bidders`.
    pub(super) fn read(
        mut fields: Fields,
        id: Option<&str>,
        organization: OrganizationId,
        bidders: &Bidders,
    ) -> Self {
        let f = &mut fields;
        take_common(f, id, id, organization);
        if id.is_none() {
            f.must_have("name");
        }
        let mut change = Self {
            name: f.not_null("name", |f| f.text("name", 1..=255)),
            active: f.not_null("active", |f| f.boolean("active")),
            monitoring_mode: f.not_null("monitoring_mode", |f| f.boolean("monitoring_mode")),
            rtb_enabled: f.not_null("rtb_enabled", |f| f.boolean("rtb_enabled")),
            rtb_endpoint: checked(f, "rtb_endpoint", |text| bidders.check(text).map(|()| text.to_owned())),
            rtb_tmax_ms: f.integer("rtb_tmax_ms", 10..=5000),
            time_zone: f.not_null("time_zone", |f| checked(f, "time_zone", check::time_zone)),
            redirect_url: checked(f, "redirect_url", check::url),
            fallback_url: checked(f, "fallback_url", check::url),
            preview_url: checked(f, "preview_url", check::url),
            allowed_hosts: checked_list(f, "allowed_hosts", check::host_pattern),
            trust: f.not_null("trust", |f| f.choice("trust", TRUST)),
            trusted_sources: checked_list(f, "trusted_sources", check::address_range),
            ip_privacy: f.not_null("ip_privacy", |f| f.choice("ip_privacy", PRIVACY)),
            retention_days: f.integer("retention_days", DAYS_KEPT),
            click_retention_days: f.integer("click_retention_days", DAYS_KEPT),
            conversion_retention_days: f.integer("conversion_retention_days", DAYS_KEPT),
            impression_retention_days: f.integer("impression_retention_days", DAYS_KEPT),
            links: f.objects("links", 0..=1000, link),
            offer_groups: f.objects("offer_groups", 0..=1000, offer_group),
            signing_key: f.text("signing_key", 16..=256),
            errors: Vec::new(),
        };
        if let Given::Value(links) = &change.links {
            refuse_repeats(f, "links", "url_id", links.iter().map(|link| link.url_id.as_str()));
        }
        change.errors = fields.finish();
        change
    }

    /// What is wrong with the body.
    pub(super) fn errors(&self) -> &[Invalid] {
        &self.errors
    }

    /// Changes `integration` as the body says.
    pub(super) fn apply(&self, integration: &mut Integration) -> Result<(), Refused> {
        if !self.errors.is_empty() {
            return Err(Refused::Invalid(self.errors.clone()));
        }
        let this = self.clone();
        this.name.set(&mut integration.name);
        this.active.set(&mut integration.active);
        this.monitoring_mode.set(&mut integration.monitoring_mode);
        this.rtb_enabled.set(&mut integration.rtb_enabled);
        this.rtb_endpoint.set_option(&mut integration.rtb_endpoint);
        this.rtb_tmax_ms.set_option(&mut integration.rtb_tmax_ms);
        this.time_zone.set(&mut integration.time_zone);
        this.redirect_url.set_option(&mut integration.redirect_url);
        this.fallback_url.set_option(&mut integration.fallback_url);
        this.preview_url.set_option(&mut integration.preview_url);
        this.allowed_hosts.set_or_default(&mut integration.allowed_hosts);
        this.trust.set(&mut integration.trust);
        this.trusted_sources.set_or_default(&mut integration.trusted_sources);
        this.ip_privacy.set(&mut integration.ip_privacy);
        this.retention_days.set_option(&mut integration.retention_days);
        this.click_retention_days.set_option(&mut integration.click_retention_days);
        this.conversion_retention_days.set_option(&mut integration.conversion_retention_days);
        this.impression_retention_days.set_option(&mut integration.impression_retention_days);
        this.links.set_or_default(&mut integration.links);
        this.offer_groups.set_or_default(&mut integration.offer_groups);
        let groups_are_given = !matches!(self.offer_groups, Given::Absent);
        if groups_are_given || !matches!(self.links, Given::Absent) {
            waterfall::check(integration, groups_are_given).map_err(Refused::Invalid)?;
        }
        Ok(())
    }

    /// Stores or removes the signing key, when the body says anything about it.
    pub(super) fn apply_key(&self, draft: &mut Draft<'_>, id: &str) -> Result<(), Refused> {
        match &self.signing_key {
            Given::Absent => Ok(()),
            Given::Null => draft.set_secret::<Integration>(id, None),
            Given::Value(key) => {
                let key = StoredSecret::Key(key.clone().into_bytes());
                draft.set_secret::<Integration>(id, Some(key))
            }
        }
    }
}

fn checked<E: Into<String>>(
    fields: &mut Fields,
    name: &str,
    check: impl FnOnce(&str) -> Result<String, E>,
) -> Given<String> {
    match fields.text(name, 1..=URL_LENGTH) {
        Given::Value(text) => match check(&text) {
            Ok(text) => Given::Value(text),
            Err(message) => {
                fields.refuse(name, message);
                Given::Absent
            }
        },
        other => other,
    }
}

fn checked_list(
    fields: &mut Fields,
    name: &str,
    check: fn(&str) -> Result<String, &'static str>,
) -> Given<Vec<String>> {
    match fields.texts(name, 0..=1000, 255) {
        Given::Value(texts) => {
            let mut legal = Vec::with_capacity(texts.len());
            for (index, text) in texts.iter().enumerate() {
                match check(text) {
                    Ok(text) => legal.push(text),
                    Err(message) => fields.refuse(&format!("{name}[{index}]"), message),
                }
            }
            Given::Value(legal)
        }
        other => other,
    }
}

fn link(f: &mut Fields) -> Option<Link> {
    f.must_have("url_id");
    let (mut url_id, mut name) = (String::new(), String::new());
    let (mut offer, mut redirect_url, mut fallback_url) = (None, None, None);
    f.not_null("url_id", |f| f.text("url_id", 1..=255)).set(&mut url_id);
    f.text("name", 0..=255).set_or_default(&mut name);
    f.text("offer", 1..=255).set_option(&mut offer);
    checked(f, "redirect_url", check::url).set_option(&mut redirect_url);
    checked(f, "fallback_url", check::url).set_option(&mut fallback_url);
    Some(Link { url_id, name, offer, redirect_url, fallback_url })
}

fn offer_group(f: &mut Fields) -> Option<OfferGroup> {
    f.must_have("name");
    f.must_have("offers");
    let (mut name, mut offers) = (String::new(), Vec::new());
    f.not_null("name", |f| f.text("name", 1..=255)).set(&mut name);
    f.not_null("offers", |f| f.texts("offers", 0..=10_000, 255)).set(&mut offers);
    Some(OfferGroup { name, offers })
}

fn refuse_repeats<'a>(fields: &mut Fields, list: &str, key: &str, values: impl Iterator<Item = &'a str>) {
    let mut seen = HashSet::new();
    for (index, value) in values.enumerate() {
        if !seen.insert(value) {
            fields.refuse(&format!("{list}[{index}].{key}"), "stands in the list twice");
        }
    }
}
