//! Up to when events are missing because retention deleted them. The manifest's change that deletes rows says so, so that it
//! is known of after events are kept for longer again.

use crate::query::Fields;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tollgate_domain::{Column, EventKind, IntegrationId, Number, Timestamp};

/// Events of an integration and kind that retention deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expired {
    /// When the latest of them happened.
    pub happened: Timestamp,
    /// When the latest happened, or one of them came or was taken back by a late rejection, whichever is latest.
    pub known: Timestamp,
}

impl Expired {
    fn add(&mut self, other: Self) {
        self.happened = self.happened.max(other.happened);
        self.known = self.known.max(other.known);
    }
}

/// The columns that it is made of.
pub(crate) const TIMES: [Column; 2] =
    [Column::Number(Number::RequestTime), Column::Number(Number::ArrivalTime)];

/// By integration and the name of the kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Expiry(BTreeMap<IntegrationId, BTreeMap<String, Expired>>);

impl Expiry {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn of(&self, integration: IntegrationId, kind: EventKind) -> Option<Expired> {
        self.0.get(&integration)?.get(kind.name()).copied()
    }

    fn put(&mut self, integration: IntegrationId, kind: &str, expired: Expired) {
        let kinds = self.0.entry(integration).or_default();
        match kinds.get_mut(kind) {
            Some(known) => known.add(expired),
            None => drop(kinds.insert(kind.to_owned(), expired)),
        }
    }

    /// Adds another's.
    pub(crate) fn add(&mut self, other: &Self) {
        for (integration, kinds) in &other.0 {
            kinds.iter().for_each(|(kind, expired)| self.put(*integration, kind, *expired));
        }
    }

    /// Adds an event.
    pub(crate) fn add_event(&mut self, event: &(impl Fields + ?Sized)) {
        let time = |column| event.number(column).map(Timestamp::from_millis);
        let happened = time(Number::RequestTime).unwrap_or_default();
        let known = time(Number::ArrivalTime).map_or(happened, |came| came.max(happened));
        self.put(event.integration(), event.kind().name(), Expired { happened, known });
    }

    /// Adds that one of the events that were added was taken back.
    pub(crate) fn take_back(&mut self, integration: IntegrationId, kind: EventKind, at: Timestamp) {
        let of_kind = self.0.get_mut(&integration).and_then(|kinds| kinds.get_mut(kind.name()));
        if let Some(expired) = of_kind {
            expired.known = expired.known.max(at);
        }
    }
}
