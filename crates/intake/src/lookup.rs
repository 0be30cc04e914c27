//! What history is asked before an event is judged: its idempotency key, a conversion's click, and the conversions before
//! it. Segments are read for that, which blocks, so it never happens on a thread that serves others.

use crate::attribution::Wanted;
use crate::draft::Draft;
use crate::intake::Intake;
use crate::keys::{self, Known};
use crate::prior::{Asked, Prior};
use crate::rejection::Rejection;
use std::sync::Arc;
use tollgate_domain::{Event, EventKind, IntegrationId, Number, Timestamp};
use tollgate_ledger::scan::ScanError;
use tollgate_ledger::view::View;

/// Questions about one event.
pub struct Lookup {
    pub(crate) intake: Arc<Intake>,
    pub(crate) integration: IntegrationId,
    /// The key, and the arrival of its event.
    pub(crate) key: Option<(u128, Timestamp)>,
    pub(crate) click: Option<Wanted>,
    pub(crate) prior: Option<Asked>,
}

/// The answers.
#[derive(Debug, Default)]
pub struct History {
    seen: Seen,
    click: Option<Box<Event>>,
    prior: Prior,
}

/// What segments say about a key.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) known: Option<Known>,
    /// They hold every event up to this `seq`; 0 when they were not asked.
    pub(crate) covered: u64,
}

impl Lookup {
    /// Asks. This reads files.
    pub fn run(self) -> Result<History, ScanError> {
        let view = self.intake.ledger().view();
        let seen = match self.key {
            Some((key, arrival)) => self.seen(&view, key, arrival)?,
            None => Seen::default(),
        };
        let click = match &self.click {
            Some(Wanted::Id(id)) => view.find(self.integration, Some(EventKind::Click), *id)?,
            Some(Wanted::External { id, from, to }) => {
                view.find_external(self.integration, EventKind::Click, *from, *to, id)?
            }
            None => None,
        };
        let prior = match self.prior {
            Some(asked) => asked.run(&view, self.integration, click.as_ref())?,
            None => Prior::default(),
        };
        Ok(History { seen, click: click.map(Box::new), prior })
    }

    fn seen(&self, view: &View, key: u128, arrival: Timestamp) -> Result<Seen, ScanError> {
        let found = view.find_key(self.integration, key, keys::since(arrival))?;
        let known = found.map(|event| Known {
            seq: event.seq,
            id: event.id,
            body: event.number(Number::BodyHash).unwrap_or_default(),
            arrived: event.time(Number::ArrivalTime).unwrap_or(arrival),
        });
        let covered = view.open().first_seq().map_or(view.cut(), |first| first - 1);
        Ok(Seen { known, covered })
    }
}

impl History {
    /// Gives the answers to the event they are about.
    pub fn tell(self, draft: &mut Draft) {
        draft.seen = self.seen;
        draft.prior = self.prior;
        if self.click.is_some() {
            draft.click = self.click;
        }
    }

    /// Gives the answers to the rejection they are about.
    pub fn tell_rejection(self, rejection: &mut Rejection) {
        (rejection.seen, rejection.prior) = (self.seen, self.prior);
    }
}
