//! The conversions that came before: the one that a later event belongs to, the one that a repeated postback repeats, and
//! the one that a late rejection is about.

use crate::attribution::{self, LOOK_AHEAD_MS, LOOK_BACK_MS};
use std::cell::Cell;
use tollgate_domain::{Event, EventKind, IntegrationId, Text, Timestamp, TxId};
use tollgate_ledger::Deletions;
use tollgate_ledger::scan::ScanError;
use tollgate_ledger::view::View;
use tollgate_screening::is_base_conversion;

/// What history is asked about conversions.
pub(crate) enum Asked {
    /// What came before a conversion: these are its facts, without what it takes from its click.
    Before(Box<Event>),
    /// The conversion of this id, or of the click of this id.
    Id(TxId),
    /// The newest conversion with this id of the caller's.
    External {
        /// The id.
        id: String,
        /// The time to look back from.
        now: Timestamp,
    },
}

/// The answers.
#[derive(Debug, Default)]
pub(crate) struct Prior {
    /// Whether anything was asked.
    pub(crate) asked: bool,
    /// They hold for everything up to this `seq`.
    pub(crate) covered: u64,
    /// What was known of deletions when history was asked.
    pub(crate) deletions: Deletions,
    /// Whether the event's click has a conversion.
    pub(crate) converted: bool,
    /// The conversion that the event repeats, or that is to be amended.
    pub(crate) same: Option<Box<Event>>,
}

/// What a conversion says that a third party said.
pub(crate) const THIRD_PARTY: [Text; 2] = [Text::ThirdPartyStatus, Text::ThirdPartyRejectedReason];

/// Later than any event: times of ids have 48 bits.
const END: Timestamp = Timestamp::from_millis((1 << 48) - 1);

/// The facts by which a conversion repeats another, and those that lead to its click.
const FACTS: [Text; 6] = [
    Text::ExternalTransactionId,
    Text::OfferId,
    Text::Publisher,
    Text::ClickRealTxId,
    Text::EventId,
    Text::EventName,
];

impl Asked {
    /// What must be asked before the conversion `event` is judged; most conversions need nothing.
    pub(crate) fn before(event: &Event) -> Option<Self> {
        let brings_word = THIRD_PARTY.iter().any(|column| event.text(*column).is_some());
        if event.kind != EventKind::Conversion || (is_base_conversion(event) && !brings_word) {
            return None;
        }
        let mut facts = Event::new(event.kind, event.integration);
        for column in FACTS.iter().chain(&THIRD_PARTY) {
            if let Some(text) = event.text(*column) {
                facts.set_text(*column, text);
            }
        }
        facts.set_number(tollgate_domain::Number::RequestTime, event.at().millis());
        Some(Self::Before(Box::new(facts)))
    }

    /// Asks. This reads files.
    pub(crate) fn run(
        self,
        view: &View,
        integration: IntegrationId,
        click: Option<&Event>,
    ) -> Result<Prior, ScanError> {
        let (covered, deletions) = (view.cut(), view.deletions());
        let same = match self {
            Self::Before(facts) => return before(view, *facts, click),
            Self::Id(id) => match view.find(integration, Some(EventKind::Conversion), id)? {
                Some(conversion) => Some(conversion),
                None => of_click(view, integration, id)?,
            },
            Self::External { id, now } => {
                let span = (now.plus_millis(-LOOK_BACK_MS), now.plus_millis(LOOK_AHEAD_MS));
                base_or_newest(view, integration, |accept| {
                    view.find_external_conversion(integration, &id, span, accept)
                })?
            }
        };
        Ok(Prior { asked: true, covered, deletions, converted: false, same: same.map(Box::new) })
    }
}

/// A click's conversion; an event after it where the conversion itself is not known.
fn of_click(view: &View, integration: IntegrationId, click: TxId) -> Result<Option<Event>, ScanError> {
    let span = (click.time().plus_millis(-LOOK_AHEAD_MS), END);
    base_or_newest(view, integration, |accept| view.find_of_click(integration, click, span, accept))
}

/// The newest base conversion that `find` comes to, in one search; where there is none, the newest event that it saw.
fn base_or_newest(
    view: &View,
    integration: IntegrationId,
    find: impl Fn(&dyn Fn(&Event) -> bool) -> Result<Option<Event>, ScanError>,
) -> Result<Option<Event>, ScanError> {
    let newest: Cell<Option<TxId>> = Cell::new(None);
    let base = find(&|event| {
        newest.set(newest.get().max(Some(event.id)));
        is_base_conversion(event)
    })?;
    match (base, newest.get()) {
        (None, Some(id)) => view.find(integration, Some(EventKind::Conversion), id),
        (base, _) => Ok(base),
    }
}

fn before(view: &View, mut facts: Event, click: Option<&Event>) -> Result<Prior, ScanError> {
    if let Some(click) = click {
        attribution::take(&mut facts, click);
    }
    attribution::set_hash(&mut facts);
    let integration = facts.integration;
    let (covered, deletions) = (view.cut(), view.deletions());
    let mut prior = Prior { asked: true, covered, deletions, ..Prior::default() };
    let click: Option<TxId> = facts.text(Text::ClickRealTxId).and_then(|id| id.parse().ok());
    let since_click = |click: TxId| (click.time().plus_millis(-LOOK_AHEAD_MS), END);
    if let Some(click) = click.filter(|_| !is_base_conversion(&facts)) {
        let found = view.find_of_click(integration, click, since_click(click), &is_base_conversion)?;
        prior.converted = found.is_some();
    }
    if THIRD_PARTY.iter().all(|column| facts.text(*column).is_none()) {
        return Ok(prior);
    }
    let same = |event: &Event| {
        [Text::Hash, Text::EventName].iter().all(|column| event.text(*column) == facts.text(*column))
    };
    let external = facts.text(Text::ExternalTransactionId);
    let found = match (click, external) {
        (Some(click), _) => view.find_of_click(integration, click, since_click(click), &same)?,
        (None, Some(external)) => {
            let span = (facts.at().plus_millis(-LOOK_BACK_MS), facts.at().plus_millis(LOOK_BACK_MS));
            view.find_external_conversion(integration, external, span, &same)?
        }
        (None, None) => None,
    };
    prior.same = found.map(Box::new);
    Ok(prior)
}
