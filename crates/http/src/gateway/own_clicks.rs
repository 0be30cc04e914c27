//! Clicks of an NDJSON body that conversions of the same body name by the caller's id. History does not tell of them
//! before they are durable, and to wait for that in the middle of a body would cost a write to disk each time.

use super::events::Entry;
use std::collections::{HashMap, HashSet};
use tollgate_domain::{Event, EventKind, Text};
use tollgate_intake::Draft;

/// The judged clicks of one body, by the caller's id; the newest of each.
pub(super) struct OwnClicks {
    /// Whether anybody may ask for them.
    wanted: bool,
    clicks: HashMap<String, Event>,
}

impl OwnClicks {
    /// None yet. They are kept only where `body` may have conversions.
    pub(super) fn of(body: &[u8]) -> Self {
        let wanted = memchr::memmem::find(body, b"conversion").is_some();
        Self { wanted, clicks: HashMap::new() }
    }

    /// Notes a judged event.
    pub(super) fn note(&mut self, event: &Event) {
        if !self.wanted || event.kind != EventKind::Click {
            return;
        }
        let Some(id) = event.text(Text::ExternalTransactionId) else { return };
        let newest = self.clicks.get(id).map(|click| click.id.time());
        if newest.is_none_or(|newest| newest <= event.id.time()) {
            self.clicks.insert(id.to_owned(), event.clone());
        }
    }

    /// Gives a conversion its click, if that was noted.
    pub(super) fn join(&self, draft: &mut Draft) {
        if let Some(click) = draft.names_click().and_then(|id| self.clicks.get(id)) {
            draft.offer_click(click);
        }
    }

    /// How many of `entries` name no click among them: these can be completed before any of them is judged. At least
    /// one, if there are any.
    pub(super) fn independent(&self, entries: &[Entry]) -> usize {
        if !self.wanted {
            return entries.len();
        }
        let mut clicks = HashSet::new();
        let depends = entries.iter().position(|entry| {
            let event = &entry.draft.event;
            if event.kind == EventKind::Click {
                clicks.extend(event.text(Text::ExternalTransactionId));
            }
            entry.draft.names_click().is_some_and(|id| clicks.contains(id))
        });
        depends.unwrap_or(entries.len())
    }
}
