//! What judging did to conversions since queries could last see it: what a look-up of before may have missed.

use hashbrown::{DefaultHashBuilder, HashMap};
use std::hash::BuildHasher;
use tollgate_domain::{Event, Text, TxId};

/// Entries beyond which those that queries see are forgotten.
const PRUNE_AT: usize = 10_000;

/// The conversions of one shard, by `seq`.
#[derive(Default)]
pub(crate) struct Recent {
    /// The latest conversion of a click, by the click's id.
    converted: HashMap<TxId, u64>,
    /// The latest conversion with these facts, by their hash: who meets another's looks once more than needed.
    told: HashMap<u64, u64>,
    /// The latest amendment of a conversion.
    amended: HashMap<TxId, u64>,
    hasher: DefaultHashBuilder,
    prune_at: usize,
    pruned_through: u64,
}

impl Recent {
    /// Whether a look-up that saw everything up to `covered` has to be repeated before it tells something: what came
    /// since is not remembered here any more.
    pub(crate) fn outdates(&self, covered: u64) -> bool {
        self.pruned_through > covered
    }

    /// Whether a click was converted lately.
    pub(crate) fn converted(&self, click: TxId) -> bool {
        self.converted.contains_key(&click)
    }

    /// Whether a conversion that `event` repeats may have been judged after `covered`.
    pub(crate) fn told(&self, event: &Event, covered: u64) -> bool {
        self.told.get(&self.facts(event)).is_some_and(|seq| *seq > covered)
    }

    /// What repeated conversions have in common.
    fn facts(&self, event: &Event) -> u64 {
        self.hasher.hash_one((event.text(Text::Hash), event.text(Text::EventName)))
    }

    /// Whether a conversion was amended after `covered`.
    pub(crate) fn amended(&self, conversion: TxId, covered: u64) -> bool {
        self.amended.get(&conversion).is_some_and(|seq| *seq > covered)
    }

    /// Notes a conversion, of `click` if that is what it converts; `committed` is the `seq` up to which queries see
    /// everything.
    pub(crate) fn note_conversion(&mut self, event: &Event, click: Option<TxId>, committed: u64) {
        self.prune(committed);
        self.told.insert(self.facts(event), event.seq);
        if let Some(click) = click {
            self.converted.insert(click, event.seq);
        }
    }

    /// Notes an amendment.
    pub(crate) fn note_amendment(&mut self, conversion: TxId, seq: u64, committed: u64) {
        self.prune(committed);
        self.amended.insert(conversion, seq);
    }

    fn prune(&mut self, committed: u64) {
        if self.told.len() + self.amended.len() < self.prune_at.max(PRUNE_AT) {
            return;
        }
        self.told.retain(|_, seq| *seq > committed);
        self.converted.retain(|_, seq| *seq > committed);
        self.amended.retain(|_, seq| *seq > committed);
        self.pruned_through = self.pruned_through.max(committed);
        self.prune_at = (self.told.len() + self.amended.len()) * 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_domain::EventKind;

    fn conversion(seq: u64) -> Event {
        let mut event = Event::new(EventKind::Conversion, "abcdefghij".parse().unwrap());
        event.set_text(Text::Hash, &seq.to_string());
        event.seq = seq;
        event
    }

    #[test]
    fn what_queries_see_is_forgotten_and_older_look_ups_do_not_count() {
        let mut recent = Recent::default();
        for n in 1..=PRUNE_AT as u64 {
            recent.note_conversion(&conversion(n), Some(TxId::from_u128(n.into())), 0);
        }
        assert!(recent.converted(TxId::from_u128(1)) && !recent.outdates(0));
        assert!(recent.told(&conversion(1), 0) && !recent.told(&conversion(1), 1));
        recent.note_amendment(TxId::from_u128(5), 20_000, 6_000);
        assert!(!recent.converted(TxId::from_u128(6_000)) && recent.converted(TxId::from_u128(6_001)));
        assert!(!recent.told(&conversion(6_000), 0) && recent.told(&conversion(6_001), 0));
        assert!(recent.outdates(5_999) && !recent.outdates(6_000));
        assert!(recent.amended(TxId::from_u128(5), 19_999) && !recent.amended(TxId::from_u128(5), 20_000));
    }
}
