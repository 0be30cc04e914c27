//! Integrations, and the one way a new one comes into being: together with its Default group.

use crate::draft::{Draft, Refused};
use crate::object::Object;
use tollgate_domain::{FilterGroup, FilterGroupId, FilterSpec, Integration, IntegrationId, IpPrivacy, Trust};

impl Object for Integration {
    const KIND: &'static str = "integration";
    const IS_REMEMBERED: bool = true;

    fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Its key for signing links is not restored: it was removed for good.
    fn restored(self, _: &Self, draft: &mut Draft<'_>) -> Result<Self, Refused> {
        match draft.snapshot().integration(self.id) {
            Some(taken) if taken.organization != draft.organization_id() => {
                Err(Refused::Rule { code: "id_taken", message: "The integration's id is in use".to_owned() })
            }
            _ => Ok(self),
        }
    }
}

/// An integration id that no organization uses.
pub fn unused_integration_id(draft: &Draft<'_>) -> IntegrationId {
    loop {
        let id = IntegrationId::random(draft.entropy());
        if draft.snapshot().integration(id).is_none() && draft.get::<Integration>(id.as_str()).is_none() {
            return id;
        }
    }
}

/// The settings of a new integration: active, neither monitoring nor RTB, UTC, open trust.
pub fn integration_defaults(draft: &Draft<'_>, name: &str) -> Integration {
    Integration {
        id: unused_integration_id(draft),
        organization: draft.organization_id(),
        name: name.to_owned(),
        active: true,
        monitoring_mode: false,
        rtb_enabled: false,
        rtb_endpoint: None,
        rtb_tmax_ms: None,
        time_zone: "UTC".to_owned(),
        redirect_url: None,
        fallback_url: None,
        preview_url: None,
        allowed_hosts: Vec::new(),
        trust: Trust::Open,
        trusted_sources: Vec::new(),
        ip_privacy: IpPrivacy::Full,
        retention_days: None,
        click_retention_days: None,
        conversion_retention_days: None,
        impression_retention_days: None,
        links: Vec::new(),
        offer_groups: Vec::new(),
    }
}

/// Creates `integration` and its Default group, which starts in monitoring mode with `default_filters`. Answers the
/// group's id.
pub fn new_integration(
    draft: &mut Draft<'_>,
    integration: Integration,
    default_filters: Vec<FilterSpec>,
) -> Result<FilterGroupId, Refused> {
    let group = FilterGroup {
        id: FilterGroupId::random(draft.entropy()),
        integration: integration.id,
        name: "Default".to_owned(),
        description: "Judges what no other filter group matches.".to_owned(),
        active: true,
        priority: None,
        advertiser_ids: Vec::new(),
        offer_ids: Vec::new(),
        publisher_ids: Vec::new(),
        monitoring_mode: Some(true),
        rtb_enabled: None,
        click_filter_preset_id: None,
        conversion_filter_preset_id: None,
        tags: Vec::new(),
        filters: default_filters,
    };
    let id = group.id;
    draft.create(integration)?;
    draft.create(group)?;
    Ok(id)
}
