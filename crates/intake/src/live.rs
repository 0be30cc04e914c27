//! The configuration as judging needs it: every integration with its compiled plan, swapped whole when it changes.

use crate::waterfall::Waterfalls;
use std::collections::HashMap;
use std::sync::Arc;
use tollgate_catalog::{IntegrationEntry, Snapshot};
use tollgate_domain::{FilterGroup, IntegrationId, Invalid};
use tollgate_screening::Plan;

/// One integration, ready to judge.
pub struct LiveIntegration {
    /// Its settings and groups.
    pub entry: Arc<IntegrationEntry>,
    /// Its compiled filter groups.
    pub plan: Plan,
    /// What follows when an offer rejects.
    pub(crate) waterfalls: Waterfalls,
    /// The configuration's revision this was compiled from.
    pub config_version: u64,
}

impl LiveIntegration {
    /// Compiles an integration as of the configuration's revision `config_version`.
    pub(crate) fn compile(entry: &Arc<IntegrationEntry>, config_version: u64) -> Result<Self, Vec<Invalid>> {
        let groups: Vec<Arc<FilterGroup>> =
            entry.groups.iter().map(|group| Arc::new(FilterGroup::clone(group))).collect();
        let plan = Plan::compile(&entry.integration, &groups)?;
        let waterfalls = Waterfalls::of(&entry.integration);
        Ok(Self { entry: entry.clone(), plan, waterfalls, config_version })
    }
}

/// All integrations at one moment.
#[derive(Default)]
pub struct Live {
    integrations: HashMap<IntegrationId, Arc<LiveIntegration>>,
}

impl Live {
    /// Compiles `snapshot`, taking over from `before` what did not change.
    pub(crate) fn compile(snapshot: &Snapshot, before: &Self) -> Self {
        let mut integrations = HashMap::new();
        for entry in snapshot.integrations() {
            let id = entry.integration.id;
            let old = before.integrations.get(&id);
            if let Some(old) = old.filter(|old| Arc::ptr_eq(&old.entry, entry)) {
                integrations.insert(id, old.clone());
                continue;
            }
            match LiveIntegration::compile(entry, snapshot.seq()) {
                Ok(live) => drop(integrations.insert(id, Arc::new(live))),
                Err(errors) => {
                    // What is saved has been validated, so this is a filter this version no longer knows.
                    tracing::error!(integration = %id, ?errors, "filter groups do not compile; the former ones stay");
                    integrations.extend(old.map(|old| (id, old.clone())));
                }
            }
        }
        Self { integrations }
    }

    /// The integration of an id.
    pub fn get(&self, id: IntegrationId) -> Option<&Arc<LiveIntegration>> {
        self.integrations.get(&id)
    }
}
