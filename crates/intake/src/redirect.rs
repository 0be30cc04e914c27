//! Clicks whose user is waiting to be sent on: to the offer, down the waterfall, to an auction's winner or to the fallback.

use crate::destination::{self, MAX_LOCATION};
use crate::draft::{Draft, Wishes};
use crate::live::LiveIntegration;
use crate::waterfall::{self, Step};
use crate::worker::{Sources, Worker, arrival};
use tollgate_domain::{Auction, Event, Number, Text};
use tollgate_ledger::{End, Promise, Refused};
use tollgate_screening::Counters;

/// Bytes of text that a click of a waterfall may have beyond those of the one it came from: its offer, its link and that
/// click's id.
const STEP_BYTES: usize = 4096;

/// That a click's user is waiting, and what is known of where to.
#[derive(Debug, Clone, Copy)]
pub struct Redirect<'a> {
    /// The auction that was held because the click was expected to be rejected.
    pub auction: Option<&'a Auction>,
}

impl Worker {
    /// Asks the ledger for room for a completed click that is to be redirected, and for what a waterfall makes of it.
    pub fn promise_redirected(&self, live: &LiveIntegration, draft: &Draft) -> Result<Promise, Refused> {
        let own = draft.event.text_bytes() + MAX_LOCATION;
        let (rows, bytes) =
            if steps(live, &draft.event).is_empty() { (1, own) } else { (2, 2 * own + STEP_BYTES) };
        self.intake().ledger().promise(rows, bytes as u64)
    }

    /// Whether a completed click is to be offered to the integration's bidder: where bids are wanted, it would be
    /// rejected now, that would be enforced, and no offer of a waterfall would take it. Nothing is counted.
    pub fn wants_auction(&mut self, live: &LiveIntegration, draft: &Draft) -> bool {
        let (integration, event) = (&live.entry.integration, &draft.event);
        if integration.rtb_endpoint.is_none() || !integration.active {
            return false;
        }
        let wanted = |of_group: Option<bool>| of_group.unwrap_or(integration.rtb_enabled);
        if !wanted(None) && !live.entry.groups.iter().any(|group| wanted(group.rtb_enabled)) {
            return false;
        }
        let intake = self.intake().clone();
        let shard = intake.shards().of(event.integration);
        if draft.is_repeated(&shard.keys) {
            return false;
        }
        let forced = draft.wishes.filter_group;
        let (signals, verdict) = self.judging();
        live.plan.evaluate(event, forced, &Sources(signals), &shard.counters, verdict);
        let group = verdict.filter_group().and_then(|id| live.entry.groups.iter().find(|g| g.id == id));
        if !verdict.enforced_rejection() || !wanted(group.and_then(|group| group.rtb_enabled)) {
            return false;
        }
        let mut next = waterfall::successor(event);
        !steps(live, event).iter().any(|step| {
            step_to(&mut next, step);
            live.plan.evaluate(&next, forced, &Sources(signals), &shard.counters, verdict);
            !verdict.enforced_rejection()
        })
    }

    /// Appends a click that was just judged, says in it where its user goes, and counts it. Where a waterfall takes the
    /// user to another offer, that is a click of its own, behind this one.
    pub(crate) fn append_redirected(
        &mut self,
        live: &LiveIntegration,
        promise: &Promise,
        (event, wishes): (&mut Event, &Wishes),
        redirect: Redirect<'_>,
        counters: &mut Counters,
    ) -> u64 {
        let (integration, intake) = (&live.entry.integration, self.intake().clone());
        let mut end = intake.ledger().end(promise);
        end.place(event, 0);
        if let Some(auction) = redirect.auction {
            note(event, auction);
        }
        if !event.is_enforced_rejection() {
            send(event, destination::of_approved(event, wishes, integration));
            let seq = end.append(event);
            drop(end);
            live.plan.count_judged(event, self.judging().1, counters);
            return seq;
        }
        // The next offers are tried against what this click counts for, as if it had been alone before.
        live.plan.count_judged(event, self.judging().1, counters);
        let won = redirect.auction.and_then(|auction| auction.location.clone());
        let next = if won.is_none() { self.next_click(live, event, wishes, counters, &end) } else { None };
        let further = won.or_else(|| Some(next.as_ref()?.text(Text::RedirectedTo)?.to_owned()));
        send(event, further.or_else(|| destination::of_rejected(event, integration)));
        let seq = end.append(event);
        if let Some(mut next) = next {
            end.append(&mut next);
            drop(end);
            self.count_verdict(&next);
            live.plan.count_judged(&next, self.judging().1, counters);
        }
        seq
    }

    /// The judged click of the first offer behind a rejected one that takes its user; the worker's verdict is its own.
    fn next_click(
        &mut self,
        live: &LiveIntegration,
        rejected: &Event,
        wishes: &Wishes,
        counters: &Counters,
        end: &End<'_>,
    ) -> Option<Event> {
        let steps = steps(live, rejected);
        if steps.is_empty() {
            return None;
        }
        let mut next = waterfall::successor(rejected);
        end.place(&mut next, 1);
        let (signals, verdict) = self.judging();
        for step in steps {
            step_to(&mut next, step);
            live.plan.evaluate(&next, wishes.filter_group, &Sources(signals), counters, verdict);
            if verdict.enforced_rejection() {
                continue;
            }
            // The caller's own target is for the offer he named.
            let location = destination::of_approved(&next, &Wishes::default(), &live.entry.integration);
            if location.is_some() {
                verdict.write_to(&mut next);
                send(&mut next, location);
                return Some(next);
            }
        }
        None
    }
}

fn steps<'a>(live: &'a LiveIntegration, event: &Event) -> &'a [Step] {
    live.waterfalls.after(event.text_or_empty(Text::OfferId))
}

fn step_to(event: &mut Event, step: &Step) {
    event.set_text(Text::OfferId, &step.offer);
    event.set_text(Text::UrlId, &step.url_id);
}

fn send(event: &mut Event, location: Option<String>) {
    match location {
        Some(location) => event.set_text(Text::RedirectedTo, &location),
        None => event.clear_text(Text::RedirectedTo),
    }
}

/// What reports say of an auction.
fn note(event: &mut Event, auction: &Auction) {
    event.set_number(Number::RtbOutcome, auction.outcome.number());
    event.set_number(Number::RtbMs, auction.millis.into());
    if let Some(price) = auction.price {
        event.set_number(Number::RtbPrice, price.micros());
    }
}

impl Draft {
    /// Whether its key was seen before, as far as is known by now.
    fn is_repeated(&self, keys: &crate::keys::KeyMap) -> bool {
        let known = || keys.get(self.event.key, arrival(&self.event)).or(self.seen.known);
        self.event.key != 0 && known().is_some()
    }
}
