//! Stores a made-up history, the way that every event goes: room is promised, rows are appended, committed and sealed.

mod history;
mod names;

pub(crate) use history::History;

use crate::failure::Failure;
use std::time::Duration;
use tollgate_domain::{Event, EventKind, IntegrationId};
use tollgate_ledger::{Ledger, Refused};

/// Events for which room is promised at a time.
const AT_ONCE: u64 = 500;
/// More text than any of them has.
const TEXT_BYTES: u64 = 2048;
/// Rows that are sealed at a time.
const SEAL_AT_MOST: u64 = 1 << 18;
/// How long to wait while sealing catches up.
const PAUSE: Duration = Duration::from_millis(2);

/// Appends the whole history to the ledger, which is running, and waits until it is durable and sealed. `progress` is told how many
/// events were appended.
pub(crate) fn store(
    history: &History,
    integration: IntegrationId,
    ledger: &Ledger,
    mut progress: impl FnMut(u64),
) -> Result<(), Failure> {
    let mut event = Event::new(EventKind::Click, integration);
    let (mut n, mut last) = (0, 0);
    while n < history.events {
        let some = AT_ONCE.min(history.events - n);
        let promise = loop {
            match ledger.promise(some, some * TEXT_BYTES) {
                Ok(promise) => break promise,
                Err(Refused::Busy) => std::thread::sleep(PAUSE),
                Err(refused) => {
                    return Err(Failure::new(format!("after {n} events: {refused}")));
                }
            }
        };
        for _ in 0..some {
            history.fill(n, integration, &mut event);
            last = ledger.append(&promise, &mut event, |_| {});
            n += 1;
        }
        progress(n);
    }
    ledger.wait_committed(last);
    // A history to measure with is one that has come to rest.
    while ledger.stats().unsealed_rows > 0 {
        if ledger.seal(SEAL_AT_MOST).map_err(Failure::because("sealing"))?.is_none() {
            std::thread::sleep(PAUSE);
        }
    }
    Ok(())
}
