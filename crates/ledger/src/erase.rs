//! The log after a deletion: files that had deleted rows are given up, not kept for reuse, and files that were made ready
//! from such ones are zeroed. It is done once a deletion, by whoever keeps the log, and again after a start.

use crate::ledger::{Ledger, LedgerError, lock, write};
use crate::log::FrameKind;

/// What is to be erased.
#[derive(Default)]
pub(crate) struct Erase {
    /// No file may keep rows up to this `seq`; 0 when nothing is to be erased.
    through: u64,
    /// Whether files that are ready may have bytes of a former use.
    stale: bool,
}

impl Erase {
    pub(crate) fn through(through: u64) -> Self {
        Self { through, stale: through > 0 }
    }
}

impl Ledger {
    /// Lets the log give up what it has of rows up to `seq`, as soon as they are sealed and in every checkpoint.
    pub(crate) fn erase_through(&self, seq: u64) {
        *lock(&self.0.erase) = Erase::through(seq);
    }

    /// Whether the log may still have rows that were deleted.
    pub fn is_erasing(&self) -> bool {
        lock(&self.0.erase).through > 0
    }

    /// Goes on with erasing as far as it goes now; true while files must not be kept for reuse.
    pub(crate) fn erase(&self) -> Result<bool, LedgerError> {
        let mut erase = lock(&self.0.erase);
        if erase.through == 0 {
            return Ok(false);
        }
        while lock(&self.0.log).drop_spare()? {}
        if erase.stale {
            // Nobody makes a file ready meanwhile, so those that are taken out come back in their order.
            let _one_at_a_time = lock(&self.0.preparing);
            let files = lock(&self.0.log).begin_erase();
            let erased = files.run();
            let mut log = lock(&self.0.log);
            log.erased(erased)?;
            // A commit meanwhile found no file ready.
            self.refresh_room(&log);
            erase.stale = false;
        }
        let mut log = lock(&self.0.log);
        // The last file that is ready belongs to the rows that were promised room.
        if log.is_current_since_before(erase.through) && log.prepared() > 1 && log.rotate().is_ok() {
            let mut manifest = lock(&self.0.books).manifest_frame(log.last_seq());
            write(&mut log, FrameKind::Manifest, 0, 0, &mut manifest)?;
            self.refresh_room(&log);
        }
        if !log.may_hold(erase.through) {
            *erase = Erase::default();
        }
        Ok(erase.through > 0)
    }
}
