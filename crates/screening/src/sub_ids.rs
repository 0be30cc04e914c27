//! How many sub ids a publisher may have: new ones beyond that are stored under one name, so that traffic spread over ever
//! new sub ids is judged and reported together.
//!
//! Counted are a publisher's distinct sub ids of one day of the integration's calendar, kinds apart. Whether an event
//! brought a new one is a stored column ([`Number::NewSubId`]), since a stored row must count as its event did.

use crate::calendar::Period;
use crate::counters::Tally;
use crate::facts::filled;
use crate::feature::{FeatureId, FeatureSet, FeatureSpec, Kinds, Share, Window, kind_index};
use std::sync::Arc;
use tollgate_domain::{Event, EventKind, Number, Text};

/// A group's limit.
pub(crate) struct SubIdLimit {
    pub(crate) kinds: Kinds,
    /// How many distinct ones keep their names.
    pub(crate) max: u32,
    /// The name of all others.
    pub(crate) unified: Arc<str>,
}

/// What is counted, where any group has a limit.
#[derive(Default)]
pub(crate) struct SubIds([Option<Counted>; 3]);

#[derive(Clone, Copy)]
struct Counted {
    /// How often a publisher's sub id came that day.
    seen: FeatureId,
    /// How many distinct ones came.
    distinct: FeatureId,
}

/// What was found about an event's sub id.
#[derive(Debug, Default)]
pub(crate) struct SubIdFinding {
    /// Whether it is one more.
    pub(crate) is_new: bool,
    /// The name it is stored under instead.
    pub(crate) unified: Option<Arc<str>>,
}

impl SubIds {
    /// Counts the sub ids of a kind. `None` when there are too many features.
    pub(crate) fn count(&mut self, kind: EventKind, features: &mut FeatureSet) -> Option<()> {
        let mut feature = |points, share| {
            features.intern(FeatureSpec {
                kinds: Kinds::of(&[kind]),
                points,
                levels: vec![Text::Publisher],
                window: Window::Calendar(Period::Day),
                share,
            })
        };
        let is_new = Share {
            name: "new sub ids".to_owned(),
            weigh: Arc::new(|event| event.flag(Number::NewSubId).then_some(true)),
        };
        let (seen, distinct) = (feature(vec![Text::SubId], None)?, feature(Vec::new(), Some(is_new))?);
        self.0[kind_index(kind)] = Some(Counted { seen, distinct });
        Some(())
    }

    /// Judges an event's sub id; `None` when nobody limits them, or there is none.
    pub(crate) fn judge(
        &self,
        event: &Event,
        tallies: &[Option<Tally>],
        limits: &[SubIdLimit],
    ) -> Option<SubIdFinding> {
        let counted = self.0[kind_index(event.kind)]?;
        let sub_id = filled(event, Text::SubId)?;
        let tally = |feature: FeatureId| tallies.get(feature.index()).copied().flatten().unwrap_or_default();
        if tally(counted.seen).total > 0 {
            return Some(SubIdFinding::default());
        }
        let known = tally(counted.distinct).total;
        let limit = limits.iter().find(|limit| limit.kinds.contains(event.kind) && known >= limit.max);
        let unified = limit.map(|limit| &limit.unified).filter(|unified| ***unified != *sub_id);
        Some(SubIdFinding { is_new: limit.is_none(), unified: unified.cloned() })
    }
}

impl SubIdFinding {
    /// Writes the finding's columns: whether the sub id is new, its new name, and the one that was sent.
    pub(crate) fn write_to(&self, event: &mut Event) {
        event.set_number(Number::NewSubId, i64::from(self.is_new));
        if let Some(unified) = &self.unified {
            let sent = event.text_or_empty(Text::SubId).to_owned();
            event.set_text(Text::InvalidSubId, &sent);
            event.set_text(Text::SubId, unified);
        }
    }
}

/// Gives a stored event the sub id that was sent, so that it can be judged again.
pub fn restore_sub_id(event: &mut Event) {
    if let Some(sent) = event.text(Text::InvalidSubId).map(str::to_owned) {
        event.set_text(Text::SubId, &sent);
        event.clear_text(Text::InvalidSubId);
    }
}
