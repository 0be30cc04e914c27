//! Outgoing postbacks: whom to tell about which conversions.

use crate::{Event, EventKind, IntegrationId, Invalid, PostbackId, Text};
use serde::{Deserialize, Serialize};

/// Most seconds that a postback may wait: a day.
pub const MAX_POSTBACK_DELAY_SECONDS: u32 = 86_400;

/// The verdict that a postback tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostbackTrigger {
    /// The conversion counts, be it only because its rejection is not enforced.
    Approved,
    /// It does not count, at once or later.
    Rejected,
}

impl PostbackTrigger {
    /// Every verdict.
    pub const ALL: [Self; 2] = [Self::Approved, Self::Rejected];

    /// `approved` or `rejected`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    /// What a judged conversion is to others: a rejection that is not enforced is none.
    pub fn of(event: &Event) -> Self {
        if event.is_enforced_rejection() { Self::Rejected } else { Self::Approved }
    }
}

/// What an advertiser reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostbackEventType {
    /// The conversion itself.
    Conversion,
    /// An event after it.
    Event,
}

impl PostbackEventType {
    /// `conversion` or `event`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conversion => "conversion",
            Self::Event => "event",
        }
    }

    /// What `event`, which is a conversion's row, reports.
    pub fn of(event: &Event) -> Self {
        let has = |column| !event.text_or_empty(column).is_empty();
        if has(Text::EventId) || has(Text::EventName) { Self::Event } else { Self::Conversion }
    }
}

/// How a postback is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PostbackMethod {
    /// Everything stands in the URL.
    #[default]
    Get,
    /// With a form as its body.
    Post,
}

impl PostbackMethod {
    /// The method's name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Whom to tell about which conversions of an integration. A list of ids or names that is empty stands for any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Postback {
    /// Its id.
    pub id: PostbackId,
    /// The integration whose conversions it tells of.
    pub integration: IntegrationId,
    /// Friendly name, 1 to 255 characters.
    pub name: String,
    /// An inactive postback is not sent, neither are deliveries of it that wait.
    pub active: bool,
    /// The verdict it tells of.
    pub on: PostbackTrigger,
    /// Of rejections, the primary reasons it tells of.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Conversions, events after them, or both.
    pub event_types: Vec<PostbackEventType>,
    /// Of events, the names it tells of.
    #[serde(default)]
    pub event_names: Vec<String>,
    /// Offers it tells of.
    #[serde(default)]
    pub offer_ids: Vec<String>,
    /// Publishers it tells of.
    #[serde(default)]
    pub publisher_ids: Vec<String>,
    /// Advertisers it tells of.
    #[serde(default)]
    pub advertiser_ids: Vec<String>,
    /// Where it goes: an absolute URL with macros behind its host.
    pub url: String,
    /// How it is sent.
    #[serde(default)]
    pub method: PostbackMethod,
    /// The form that a POST sends, with macros.
    #[serde(default)]
    pub body: Option<String>,
    /// Seconds between the verdict and the first attempt, up to [`MAX_POSTBACK_DELAY_SECONDS`].
    #[serde(default)]
    pub delay_seconds: u32,
}

impl Postback {
    /// What a postback is as far as nobody says anything else. It has neither a name nor a URL yet, which it needs.
    pub fn new(id: PostbackId, integration: IntegrationId) -> Self {
        Self {
            id,
            integration,
            name: String::new(),
            active: true,
            on: PostbackTrigger::Approved,
            reasons: Vec::new(),
            event_types: vec![PostbackEventType::Conversion],
            event_names: Vec::new(),
            offer_ids: Vec::new(),
            publisher_ids: Vec::new(),
            advertiser_ids: Vec::new(),
            url: String::new(),
            method: PostbackMethod::Get,
            body: None,
            delay_seconds: 0,
        }
    }

    /// Every rule about several fields that it breaks.
    pub fn check(&self) -> Vec<Invalid> {
        let mut errors = Vec::new();
        if self.on == PostbackTrigger::Approved && !self.reasons.is_empty() {
            errors.push(Invalid::new("reasons", "belong to a postback on rejected conversions"));
        }
        if !self.event_types.contains(&PostbackEventType::Event) && !self.event_names.is_empty() {
            errors.push(Invalid::new("event_names", "need `event` among event_types"));
        }
        if self.method == PostbackMethod::Get && self.body.is_some() {
            errors.push(Invalid::new("body", "belongs to the method POST"));
        }
        errors
    }

    /// Whether it is to be sent for `event`, which is a judged event of its integration.
    pub fn wants(&self, event: &Event) -> bool {
        let event_type = PostbackEventType::of(event);
        let any_of = |list: &[String], column| lists(list, event.text_or_empty(column));
        self.active
            && event.kind == EventKind::Conversion
            && self.on == PostbackTrigger::of(event)
            && (self.on == PostbackTrigger::Approved
                || lists(&self.reasons, event.primary_reason().unwrap_or_default()))
            && self.event_types.contains(&event_type)
            && (event_type == PostbackEventType::Conversion || any_of(&self.event_names, Text::EventName))
            && any_of(&self.offer_ids, Text::OfferId)
            && any_of(&self.publisher_ids, Text::Publisher)
            && any_of(&self.advertiser_ids, Text::Advertiser)
    }
}

/// Whether `list` names `value`; an empty one names everything.
fn lists(list: &[String], value: &str) -> bool {
    list.is_empty() || list.iter().any(|item| item == value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Number, Status};

    fn postback() -> Postback {
        Postback::new("bbbbbbbbbb".parse().unwrap(), "abcdefghij".parse().unwrap())
    }

    fn conversion(reasons: &str) -> Event {
        let mut event = Event::new(EventKind::Conversion, "abcdefghij".parse().unwrap());
        event.set_text(Text::OfferId, "o1");
        event.set_text(Text::Publisher, "p1");
        if reasons.is_empty() {
            event.set_status(Status::Approved);
        } else {
            event.set_status(Status::Rejected);
            event.set_text(Text::Rejections, reasons);
        }
        event
    }

    fn list(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn a_verdict_has_its_postbacks_and_monitoring_rejects_nothing() {
        let (approved, rejected) = (conversion(""), conversion(r#"["BOT","VPN"]"#));
        let on_approved = postback();
        let on_rejected = Postback { on: PostbackTrigger::Rejected, ..postback() };
        assert!(on_approved.wants(&approved) && !on_rejected.wants(&approved));
        assert!(!on_approved.wants(&rejected) && on_rejected.wants(&rejected));
        let mut monitored = rejected.clone();
        monitored.set_number(Number::MonitoringMode, 1);
        assert!(on_approved.wants(&monitored) && !on_rejected.wants(&monitored));
        assert!(!Postback { active: false, ..postback() }.wants(&approved));
        let mut click = Event::new(EventKind::Click, approved.integration);
        click.set_status(Status::Approved);
        assert!(!on_approved.wants(&click));
    }

    #[test]
    fn of_several_reasons_the_primary_one_decides() {
        let rejected = conversion(r#"["BOT","VPN"]"#);
        let with = |reasons: &[&str]| Postback {
            on: PostbackTrigger::Rejected,
            reasons: list(reasons),
            ..postback()
        };
        assert!(with(&["VPN", "BOT"]).wants(&rejected) && !with(&["VPN"]).wants(&rejected));
        assert!(!with(&["BOT"]).wants(&conversion(r#"["LATE"]"#)));
        let approved = Postback { reasons: list(&["VPN"]), ..postback() };
        assert!(approved.wants(&conversion("")), "approvals have no reason");
    }

    #[test]
    fn events_after_a_conversion_are_told_by_their_names() {
        let both = vec![PostbackEventType::Conversion, PostbackEventType::Event];
        let of = |event_types: &[PostbackEventType], names: &[&str]| Postback {
            event_types: event_types.to_vec(),
            event_names: list(names),
            ..postback()
        };
        let mut deposit = conversion("");
        deposit.set_text(Text::EventName, "deposit");
        let mut nameless = conversion("");
        nameless.set_text(Text::EventId, "7");
        assert!(!postback().wants(&deposit) && !postback().wants(&nameless));
        assert!(of(&both, &[]).wants(&deposit) && of(&both, &[]).wants(&nameless));
        assert!(of(&both, &["deposit"]).wants(&deposit) && !of(&both, &["deposit"]).wants(&nameless));
        assert!(!of(&both, &["login"]).wants(&deposit));
        assert!(of(&both, &["login"]).wants(&conversion("")), "a conversion has no name");
        assert!(!of(&both[1..], &[]).wants(&conversion("")));
    }

    #[test]
    fn what_says_nothing_is_refused() {
        let fields =
            |postback: Postback| postback.check().into_iter().map(|error| error.field).collect::<Vec<_>>();
        assert_eq!(fields(postback()), [""; 0]);
        let none = Postback {
            reasons: list(&["BOT"]),
            event_names: list(&["deposit"]),
            body: Some("a=1".to_owned()),
            ..postback()
        };
        assert_eq!(fields(none.clone()), ["reasons", "event_names", "body"]);
        let all = Postback {
            on: PostbackTrigger::Rejected,
            event_types: vec![PostbackEventType::Event],
            method: PostbackMethod::Post,
            ..none
        };
        assert_eq!(fields(all), [""; 0]);
    }

    #[test]
    fn lists_bind_it_to_sources() {
        let event = conversion("");
        for (offers, publishers, advertisers, expected) in [
            (&["o1", "o2"][..], &[][..], &[][..], true),
            (&["o2"], &[], &[], false),
            (&["o1"], &["p1"], &[], true),
            (&["o1"], &["p2"], &[], false),
            (&[], &[], &["a"], false),
        ] {
            let bound = Postback {
                offer_ids: list(offers),
                publisher_ids: list(publishers),
                advertiser_ids: list(advertisers),
                ..postback()
            };
            assert_eq!(bound.wants(&event), expected, "{offers:?} {publishers:?} {advertisers:?}");
        }
    }
}
