//! A postback as this dialect writes and reads it.

use super::schema::{event_types, method, on};
use crate::body::Encoding;
use crate::error::ApiError;
use crate::fields::{Fields, Given};
use serde::Serialize;
use serde_json::{Map, Value};
use tollgate_catalog::{Refused, Stored};
use tollgate_domain::{
    IntegrationId, Invalid, MAX_POSTBACK_DELAY_SECONDS, Postback, PostbackEventType, PostbackId,
    PostbackMethod, PostbackTrigger,
};
use tollgate_jobs::postbacks::Postbacks;
use utoipa::ToSchema;

/// Most items of a list of ids.
const MOST_IDS: usize = 1000;
/// Most reasons, and names of events.
const MOST_NAMES: usize = 100;
/// Most characters of an id or a name.
const NAME_LENGTH: usize = 255;
/// Most characters of a URL, and of a form, macros not filled in.
pub(super) const TEMPLATE_LENGTH: usize = 4096;
pub(super) const ON: &[(&str, PostbackTrigger)] = &[
    (PostbackTrigger::Approved.name(), PostbackTrigger::Approved),
    (PostbackTrigger::Rejected.name(), PostbackTrigger::Rejected),
];
pub(super) const EVENT_TYPES: &[(&str, PostbackEventType)] = &[
    (PostbackEventType::Conversion.name(), PostbackEventType::Conversion),
    (PostbackEventType::Event.name(), PostbackEventType::Event),
];
pub(super) const METHODS: &[(&str, PostbackMethod)] =
    &[(PostbackMethod::Get.name(), PostbackMethod::Get), (PostbackMethod::Post.name(), PostbackMethod::Post)];

/// A postback.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Postback)]
pub(super) struct PostbackBody<'a> {
    #[schema(pattern = "^[a-z0-9]{10}$")]
    id: &'a str,
    #[schema(pattern = "^[a-z0-9]{10}$")]
    integration_id: &'a str,
    /// Friendly name.
    name: &'a str,
    /// Whether it is sent.
    active: bool,
    #[schema(schema_with = on)]
    on: &'static str,
    /// Of rejections, the primary reasons it tells of; empty: all.
    reasons: &'a [String],
    #[schema(schema_with = event_types)]
    event_types: Vec<&'static str>,
    /// Of events, the names it tells of; empty: all.
    event_names: &'a [String],
    /// Offers it tells of; empty: all.
    offer_ids: &'a [String],
    /// Publishers it tells of; empty: all.
    publisher_ids: &'a [String],
    /// Advertisers it tells of; empty: all.
    advertiser_ids: &'a [String],
    /// Where it goes, with macros.
    url: &'a str,
    #[schema(schema_with = method)]
    method: &'static str,
    /// The form that a POST sends, with macros.
    #[schema(required)]
    body: Option<&'a str>,
    /// Seconds between the verdict and the first attempt.
    delay_seconds: u32,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl<'a> PostbackBody<'a> {
    pub(super) fn of(stored: &'a Stored<Postback>) -> Self {
        Self {
            id: stored.id.as_str(),
            integration_id: stored.integration.as_str(),
            name: &stored.name,
            active: stored.active,
            on: stored.on.name(),
            reasons: &stored.reasons,
            event_types: stored.event_types.iter().map(|one| one.name()).collect(),
            event_names: &stored.event_names,
            offer_ids: &stored.offer_ids,
            publisher_ids: &stored.publisher_ids,
            advertiser_ids: &stored.advertiser_ids,
            url: &stored.url,
            method: stored.method.name(),
            body: stored.body.as_deref(),
            delay_seconds: stored.delay_seconds,
            created_at: stored.meta.created_at.to_string(),
            updated_at: stored.meta.updated_at.to_string(),
        }
    }
}

/// What a body says of a postback.
#[derive(Debug, Clone)]
pub(super) struct Change {
    name: Given<String>,
    active: Given<bool>,
    on: Given<PostbackTrigger>,
    reasons: Given<Vec<String>>,
    event_types: Given<Vec<PostbackEventType>>,
    event_names: Given<Vec<String>>,
    offer_ids: Given<Vec<String>>,
    publisher_ids: Given<Vec<String>>,
    advertiser_ids: Given<Vec<String>>,
    url: Given<String>,
    method: Given<PostbackMethod>,
    body: Given<String>,
    delay_seconds: Given<u32>,
}

impl Change {
    /// Reads a body. `id` is that of the path; without one the postback is new. What was read can be sent back.
    pub(super) fn read(
        map: Map<String, Value>,
        integration: IntegrationId,
        id: Option<PostbackId>,
        postbacks: &Postbacks,
    ) -> Result<Self, ApiError> {
        let mut fields = Fields::new(map, Encoding::Json);
        let f = &mut fields;
        for ours in ["created_at", "updated_at"] {
            f.ignore(ours);
        }
        f.agree("integration_id", integration.as_str());
        match id {
            Some(id) => f.agree("id", id.as_str()),
            None => {
                f.ignore("id");
                ["name", "on", "url"].into_iter().for_each(|name| f.must_have(name));
            }
        }
        let change = Self {
            name: f.not_null("name", |f| f.text("name", 1..=NAME_LENGTH)),
            active: f.not_null("active", |f| f.boolean("active")),
            on: f.not_null("on", |f| f.choice("on", ON)),
            reasons: f.texts("reasons", 0..=MOST_NAMES, NAME_LENGTH),
            event_types: f.not_null("event_types", |f| f.choices("event_types", 1..=2, EVENT_TYPES)),
            event_names: f.texts("event_names", 0..=MOST_NAMES, NAME_LENGTH),
            offer_ids: f.texts("offer_ids", 0..=MOST_IDS, NAME_LENGTH),
            publisher_ids: f.texts("publisher_ids", 0..=MOST_IDS, NAME_LENGTH),
            advertiser_ids: f.texts("advertiser_ids", 0..=MOST_IDS, NAME_LENGTH),
            url: f.not_null("url", |f| read_url(f, postbacks)),
            method: f.choice("method", METHODS),
            body: f.text("body", 1..=TEMPLATE_LENGTH),
            delay_seconds: f.integer("delay_seconds", 0..=MAX_POSTBACK_DELAY_SECONDS),
        };
        match fields.finish() {
            errors if errors.is_empty() => Ok(change),
            errors => Err(ApiError::invalid(errors)),
        }
    }

    /// `old` as it is to be, if that makes sense.
    pub(super) fn apply(&self, old: &Postback) -> Result<Postback, Refused> {
        let (this, mut new) = (self.clone(), old.clone());
        this.name.set(&mut new.name);
        this.active.set(&mut new.active);
        this.on.set(&mut new.on);
        this.reasons.set_or_default(&mut new.reasons);
        this.event_types.set(&mut new.event_types);
        this.event_names.set_or_default(&mut new.event_names);
        this.offer_ids.set_or_default(&mut new.offer_ids);
        this.publisher_ids.set_or_default(&mut new.publisher_ids);
        this.advertiser_ids.set_or_default(&mut new.advertiser_ids);
        this.url.set(&mut new.url);
        this.method.set_or_default(&mut new.method);
        this.body.set_option(&mut new.body);
        this.delay_seconds.set_or_default(&mut new.delay_seconds);
        match new.check() {
            errors if errors.is_empty() => Ok(new),
            errors => Err(Refused::Invalid(errors)),
        }
    }
}

fn read_url(fields: &mut Fields, postbacks: &Postbacks) -> Given<String> {
    fields.parsed("url", |place, text| {
        if text.len() > TEMPLATE_LENGTH {
            return Err(Invalid::new(place, format!("must have at most {TEMPLATE_LENGTH} bytes")));
        }
        postbacks.check_url(text).map_err(|wrong| Invalid::new(place, wrong))?;
        Ok(text.to_owned())
    })
}
