//! Filter groups as they are configured. What a filter's parameters mean is known by `screening` alone.

use crate::{EventKind, FilterGroupId, IntegrationId};
use serde::{Deserialize, Serialize};

/// What happens when a filter fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum FilterAction {
    /// The event is rejected.
    #[default]
    Reject,
    /// The finding is recorded in the evidence only.
    Flag,
}

/// One configured filter, checked by the screening catalogue when it is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FilterSpec {
    /// The filter's type, a row of the catalogue.
    #[serde(rename = "type")]
    pub filter_type: String,
    /// Whether it runs.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The kinds it runs on; `None` is every kind its type supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applies_to: Option<Vec<EventKind>>,
    /// Reject or flag.
    #[serde(default)]
    pub action: FilterAction,
    /// Parameters by name.
    #[serde(default)]
    pub params: serde_json::Map<String, serde_json::Value>,
}

fn yes() -> bool {
    true
}

impl Serialize for EventKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for EventKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name)
            .ok_or_else(|| serde::de::Error::custom("must be one of click, conversion, impression"))
    }
}

/// A set of filters and the events it judges (design: screening.md, "Which group judges an event").
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FilterGroup {
    /// Its id.
    pub id: FilterGroupId,
    /// The integration it belongs to.
    pub integration: IntegrationId,
    /// Friendly name, 1 to 255 characters.
    pub name: String,
    /// Free text, up to 4,096 characters.
    #[serde(default)]
    pub description: String,
    /// Inactive groups never match.
    pub active: bool,
    /// 1 is first; unique within the integration. `None` for the Default group alone, which always loses.
    pub priority: Option<u32>,
    /// Advertisers it is bound to; empty is any.
    #[serde(default)]
    pub advertiser_ids: Vec<String>,
    /// Offers it is bound to; empty is any.
    #[serde(default)]
    pub offer_ids: Vec<String>,
    /// Publishers it is bound to; empty is any.
    #[serde(default)]
    pub publisher_ids: Vec<String>,
    /// Takes precedence over the integration's setting where present.
    #[serde(default)]
    pub monitoring_mode: Option<bool>,
    /// Takes precedence over the integration's setting where present.
    #[serde(default)]
    pub rtb_enabled: Option<bool>,
    /// The preset its click filters came from.
    #[serde(default)]
    pub click_filter_preset_id: Option<u32>,
    /// The preset its conversion filters came from.
    #[serde(default)]
    pub conversion_filter_preset_id: Option<u32>,
    /// Up to 50 labels.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The filters, in order.
    #[serde(default)]
    pub filters: Vec<FilterSpec>,
}

impl FilterGroup {
    /// Whether this is the integration's Default group.
    pub fn is_default(&self) -> bool {
        self.priority.is_none()
    }
}
