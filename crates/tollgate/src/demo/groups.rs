//! The demonstration's filter groups beside the Default one: two that enforce what they find, and one that is being tried.

use crate::compose::OpenHouse;
use crate::failure::Failure;
use serde_json::{Value, json};
use tollgate_catalog::{Actor, Draft, Refused};
use tollgate_domain::{FilterAction, FilterGroup, FilterGroupId, FilterSpec, IntegrationId};

/// Name, publishers, whether verdicts are only recorded, filters with their parameters.
type Made = (&'static str, &'static [&'static str], bool, &'static [(&'static str, fn() -> Value)]);

const GROUPS: [Made; 3] = [
    ("Server traffic", &[super::people::HOSTER], false, &[("proxy", || json!({}))]),
    ("Suspected bot farm", &[super::people::BOT_FARM], false, &[("bot", || json!({}))]),
    (
        "Duplicates of the good, on trial",
        super::people::GOOD,
        true,
        &[("duplicate_user", || json!({"data_points": ["ip"]})), ("bot", || json!({}))],
    ),
];

/// Makes the groups of the integration, unless an interrupted start has made them already.
pub(super) fn make(open: &OpenHouse, integration: IntegrationId) -> Result<(), Failure> {
    let catalog = &open.house.catalog;
    let snapshot = catalog.snapshot();
    let entry = snapshot.integration(integration);
    let entry = entry.ok_or_else(|| Failure::new("the demonstration's integration is gone"))?;
    if entry.groups.len() > 1 {
        return Ok(());
    }
    let actor = Actor::system("demo");
    let write = catalog.write(entry.organization, &actor, |draft| {
        GROUPS.iter().zip(1..).try_for_each(|(group, priority)| new(draft, integration, group, priority))
    });
    open.house.runtime.block_on(write).map_err(Failure::new)
}

fn new(
    draft: &mut Draft<'_>,
    integration: IntegrationId,
    (name, publishers, is_trial, filters): &Made,
    priority: u32,
) -> Result<(), Refused> {
    let filter = |(filter_type, params): &(&str, fn() -> Value)| FilterSpec {
        filter_type: (*filter_type).to_owned(),
        enabled: true,
        applies_to: None,
        action: FilterAction::Reject,
        params: params().as_object().cloned().unwrap_or_default(),
    };
    draft.create(FilterGroup {
        id: FilterGroupId::random(draft.entropy()),
        integration,
        name: (*name).to_owned(),
        description: "Made for the demonstration.".to_owned(),
        active: true,
        priority: Some(priority),
        advertiser_ids: Vec::new(),
        offer_ids: Vec::new(),
        publisher_ids: publishers.iter().map(|&publisher| publisher.to_owned()).collect(),
        monitoring_mode: Some(*is_trial),
        rtb_enabled: None,
        click_filter_preset_id: None,
        conversion_filter_preset_id: None,
        tags: Vec::new(),
        filters: filters.iter().map(filter).collect(),
    })
}
