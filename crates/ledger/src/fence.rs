//! What keeps amendments and deletions apart. A deletion says once what its rows counted, with all that amended them until
//! then. What would amend one of them afterwards could be acknowledged and would count for nothing: so nothing is amended
//! while rows are being deleted, nor by the word of a view that was made before they were.

use crate::ledger::{Ledger, LedgerError, Promise, lock};
use std::sync::atomic::Ordering;
use tollgate_domain::Amendment;

/// How many deletions began and ended before a view was made. It is of this process only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deletions(u64);

impl Deletions {
    /// Each counts when it begins and when it ends.
    fn is_under_way(self) -> bool {
        self.0 % 2 == 1
    }
}

impl Ledger {
    /// Appends an amendment of an event that a view has shown, as [`Ledger::amend`] does; `seen` is what that view knew of
    /// deletions. `None` when rows were deleted since, or are being deleted: the event may be gone, and another view is to
    /// be asked for it.
    pub fn amend_since(&self, _promise: &Promise, amendment: &mut Amendment, seen: Deletions) -> Option<u64> {
        self.add(|pending| {
            // Under the lock: whoever holds amendments up has those that were appended before.
            let now = self.deletions();
            (now == seen && !now.is_under_way()).then(|| pending.amend(amendment))
        })
    }

    /// Whether rows are being deleted, so that nothing is amended just now.
    pub fn is_deleting(&self) -> bool {
        self.deletions().is_under_way()
    }

    /// What is to be known of deletions before a view is made.
    pub(crate) fn deletions(&self) -> Deletions {
        Deletions(self.0.deletions.load(Ordering::Acquire))
    }

    /// Holds amendments up until the answer is dropped, and makes those durable that were appended. One at a time may.
    pub(crate) fn hold_amendments(&self) -> Result<Held<'_>, LedgerError> {
        let pending = lock(&self.0.pending);
        self.0.deletions.fetch_add(1, Ordering::AcqRel);
        let appended = pending.last_seq();
        drop(pending);
        let held = Held(self);
        while self.committed() < appended {
            self.commit()?;
        }
        Ok(held)
    }
}

/// See [`Ledger::hold_amendments`].
pub(crate) struct Held<'l>(&'l Ledger);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.0.deletions.fetch_add(1, Ordering::AcqRel);
    }
}
