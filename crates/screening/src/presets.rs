//! Presets: ready-made filters for the clicks or the conversions of a group (design: screening.md, "Presets").
//!
//! `Custom` stands for whatever the filters are, `Off` for none. The numbers are our own: docs/SCENARIOS.md says what each
//! rests on, and what it catches and costs. A filter's default is strict, for whoever knows their traffic; a preset's
//! number must fit anybody's.

use serde_json::Map;
use tollgate_domain::{EventKind, FilterAction, FilterSpec};

/// A preset.
#[derive(Debug)]
pub struct Preset {
    /// Its id: below 100 for clicks, above for conversions.
    pub id: u32,
    /// Its name.
    pub name: &'static str,
    /// The kind of events its filters are for.
    pub kind: EventKind,
    /// Type and parameters of its filters, in order; `None` for Custom.
    filters: Option<&'static [Template]>,
}

/// A filter's type, and its parameters as JSON.
type Template = (&'static str, &'static str);

const BOT: Template = ("bot", "{}");
const PROXY: Template = ("proxy", "{}");
/// One or two people of a hundred have a phone that old; a source with five times as many has no people.
const OLD_DEVICE: Template = ("old_device", r#"{"threshold_percentage":10}"#);
/// A carrier's address has dozens of subscribers at a time; more clicks than that on one offer within an hour are not theirs.
const SAME_ADDRESS: Template =
    ("duplicate_user", r#"{"data_points":["ip"],"allowed_duplicates":20,"lookback_minutes":60}"#);
/// A user agent counts together with its address. Phones of one system's newest version say the same of themselves.
const SAME_AGENT: Template =
    ("duplicate_user", r#"{"data_points":["user_agent"],"allowed_duplicates":10,"lookback_minutes":60}"#);
/// Installs are some fifty times fewer than clicks.
const SAME_INSTALLER: Template = ("duplicate_user", r#"{"data_points":["ip"],"allowed_duplicates":4}"#);
const SAME_DEVICE: Template = ("duplicate_user", r#"{"data_points":["device_id"]}"#);
/// Most users of Apple's phones refuse tracking, and their ids are all zeros.
const DEVICE_ID: Template = ("device_id", r#"{"block_zero":false}"#);
const REJECTION_THRESHOLD: Template = ("rejection_threshold", "{}");
const REFERRER: Template = ("referrer", r#"{"categories":["fraud","spam"]}"#);
/// What is beyond is not rejected, but judged together.
const SUB_ID: Template = ("sub_id_validity", r#"{"max_unique":100}"#);
const CLICK_CAPPING: Template = ("click_capping", r#"{"cap":100000,"period":"day"}"#);
const CLICK_FLOODING: Template = ("click_flooding", "{}");
const KEYWORD: Template = ("keyword", "{}");
/// By the week, since installs come up to a week after their clicks.
const CONVERSION_RATE: Template =
    ("conversion_rate", r#"{"low":0.3,"min_clicks":500,"min_conversions":3,"interval":"week"}"#);
/// Of people's installs one in eight comes later than six hours after the click; of those that have nothing to do with their click,
/// most do.
const CLICK_SPAM: Template =
    ("click_spam", r#"{"ctit_hours":6,"threshold_percentage":50,"min_conversions":10}"#);
/// The sub ids of a network that sells installs are other companies; those of somebody who sells leads are their own pages.
const CLICK_SPAM_OF_PUBLISHERS: Template =
    ("click_spam", r#"{"ctit_hours":6,"threshold_percentage":50,"min_conversions":10,"scope":"publisher"}"#);
/// A single install needs more to be held against it than a source with many: injected clicks gather below fifteen seconds.
const SESSION_TIME: Template = ("session_time", r#"{"min_seconds":15}"#);
/// Of people's installs one in two hundred is as quick as half a minute.
const LOW_SESSION_TIME: Template = ("low_session_time", r#"{"min_conversions":10,"lookback_hours":168}"#);

const CONVERSIONS: &[Template] = &conversions_with(CLICK_SPAM);

/// The filters of conversions, with `click_spam` as one of them.
const fn conversions_with(click_spam: Template) -> [Template; 10] {
    [
        BOT,
        PROXY,
        ("third_party_rejection", "{}"),
        SAME_INSTALLER,
        SUB_ID,
        CONVERSION_RATE,
        OLD_DEVICE,
        click_spam,
        SESSION_TIME,
        LOW_SESSION_TIME,
    ]
}

const fn clicks(id: u32, name: &'static str, filters: Option<&'static [Template]>) -> Preset {
    Preset { id, name, kind: EventKind::Click, filters }
}

const fn conversions(id: u32, name: &'static str, filters: Option<&'static [Template]>) -> Preset {
    Preset { id, name, kind: EventKind::Conversion, filters }
}

/// Every preset, by id.
pub static PRESETS: &[Preset] = &[
    clicks(1, "Custom", None),
    clicks(
        2,
        "Mobile CPI",
        Some(&[BOT, PROXY, OLD_DEVICE, SAME_ADDRESS, SAME_AGENT, DEVICE_ID, REJECTION_THRESHOLD]),
    ),
    clicks(3, "LeadGen", Some(&[BOT, PROXY, OLD_DEVICE, SAME_ADDRESS, SAME_AGENT, REJECTION_THRESHOLD])),
    clicks(
        4,
        "CPC",
        Some(&[BOT, PROXY, OLD_DEVICE, SAME_ADDRESS, SAME_AGENT, REJECTION_THRESHOLD, REFERRER]),
    ),
    clicks(
        5,
        "AppsFlyer P360",
        Some(&[
            BOT,
            PROXY,
            OLD_DEVICE,
            SAME_ADDRESS,
            SAME_AGENT,
            DEVICE_ID,
            REJECTION_THRESHOLD,
            SUB_ID,
            CLICK_CAPPING,
            SAME_DEVICE,
        ]),
    ),
    clicks(6, "Popunder", Some(&[BOT, PROXY, SUB_ID, OLD_DEVICE, SAME_ADDRESS, CLICK_CAPPING])),
    clicks(7, "Search", Some(&[BOT, PROXY, CLICK_FLOODING, KEYWORD])),
    clicks(8, "CR Booster", Some(&[BOT, PROXY, CLICK_FLOODING, OLD_DEVICE])),
    clicks(9, "Off", Some(&[])),
    conversions(101, "Custom", None),
    conversions(102, "Mobile CPI", Some(CONVERSIONS)),
    // Conversions are judged without the device id anyway.
    conversions(103, "LeadGen", Some(&conversions_with(CLICK_SPAM_OF_PUBLISHERS))),
    conversions(109, "Off", Some(&[])),
];

impl Preset {
    /// The preset of an id.
    pub fn find(id: u32) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.id == id)
    }

    /// Whatever the filters of a kind are; for kinds that have presets at all.
    pub fn custom(kind: EventKind) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.kind == kind && preset.filters.is_none())
    }

    /// Its filters, all for its kind only; `None` for Custom.
    pub fn filters(&self) -> Option<Vec<FilterSpec>> {
        let filters = self.filters?.iter().map(|(filter_type, params)| FilterSpec {
            filter_type: (*filter_type).to_owned(),
            enabled: true,
            applies_to: Some(vec![self.kind]),
            action: FilterAction::Reject,
            // A test reads them all.
            params: serde_json::from_str::<Map<_, _>>(params).unwrap_or_default(),
        });
        Some(filters.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::validate;

    #[test]
    fn every_preset_is_legal_and_found_by_its_id() {
        for preset in PRESETS {
            assert!(std::ptr::eq(Preset::find(preset.id).unwrap(), preset));
            assert_eq!(preset.id < 100, preset.kind == EventKind::Click, "{}", preset.name);
            for (filter_type, params) in preset.filters.unwrap_or_default() {
                assert!(
                    serde_json::from_str::<Map<_, _>>(params).is_ok(),
                    "{filter_type} of {}",
                    preset.name
                );
            }
            assert_eq!(validate(&preset.filters().unwrap_or_default()), Ok(()), "{}", preset.name);
        }
        assert_eq!(Preset::custom(EventKind::Conversion).unwrap().id, 101);
        assert!(Preset::custom(EventKind::Impression).is_none());
        assert!(Preset::find(10).is_none());
    }
}
