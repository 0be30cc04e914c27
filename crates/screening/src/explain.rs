//! Why an event was judged as it was: the groups that came into question, every look of every filter of the one that
//! judged, and what would have made each come out the other way.
//!
//! It is the same judgement that [`Plan::evaluate`] gives, over the same counters, with somebody listening.

use crate::counters::Counters;
use crate::filter::Observation;
use crate::matching::{lists, rank, score};
use crate::plan::{Group, Plan};
use crate::report::{Recorder, Told};
use crate::sources::DataSources;
use crate::verdict::Verdict;
use tollgate_domain::{Event, EventKind, FilterAction, FilterGroup, FilterGroupId, FilterSpec, Text};

/// Groups that are explained; the others are counted.
const MAX_GROUPS: usize = 50;

/// What is to be explained.
pub struct Question<'a> {
    /// The event, with the sub id that was sent.
    pub event: &'a Event,
    /// The group that had to judge, if one was named.
    pub forced: Option<FilterGroupId>,
    /// The integration's groups, inactive ones too.
    pub groups: &'a [&'a FilterGroup],
    /// The data files that are cited.
    pub sources: &'a dyn DataSources,
    /// What was counted before the event.
    pub counters: &'a Counters,
}

/// Why an event was judged as it was.
#[derive(Debug)]
pub struct Explanation {
    /// Whether the integration was active; an inactive one rejects every click without asking a group.
    pub integration_active: bool,
    /// The group that judged.
    pub winner: Option<FilterGroupId>,
    /// Groups that came into question: those that match first, the best before the others. At most 50.
    pub groups: Vec<GroupExplanation>,
    /// How many groups are not told of.
    pub groups_left_out: usize,
    /// The winner's filters, all of them, in order.
    pub filters: Vec<FilterExplanation>,
    /// The name that the sub id is judged and stored under because its publisher has too many, if it is.
    pub unified_sub_id: Option<String>,
    /// The verdict that these looks make.
    pub verdict: Verdict,
}

/// A group, and whether it could have judged.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupExplanation {
    /// Its id.
    pub id: FilterGroupId,
    /// Its name.
    pub name: String,
    /// What became of it.
    pub outcome: GroupOutcome,
    /// How many of its lists are not empty: the more, the better the match.
    pub score: usize,
    /// 1 is first; `None` for the Default group, which is last.
    pub priority: Option<u32>,
    /// Its lists that are not empty.
    pub bindings: Vec<Bound>,
    /// Why, in a sentence.
    pub why: String,
}

/// A list that a group is bound by, and what the event has.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The event's column.
    pub column: Text,
    /// The event's value.
    pub value: Option<String>,
    /// Whether the list holds it.
    pub holds: bool,
}

/// What became of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupOutcome {
    /// It judged, as the best match.
    Won,
    /// It judged, because it was named.
    Named,
    /// It matches, but another one came first.
    Outranked,
    /// It does not match.
    NoMatch,
    /// It is not active.
    Inactive,
    /// It was not asked, because the integration is not active.
    NotAsked,
}

/// A configured filter, and what it said.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterExplanation {
    /// Its place in the group.
    pub index: usize,
    /// Its type.
    pub filter_type: String,
    /// What happens when it objects.
    pub action: FilterAction,
    /// What became of it.
    pub outcome: FilterOutcome,
    /// What it looked at.
    pub told: Told,
}

/// What became of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterOutcome {
    /// It objected, and rejects.
    Rejected,
    /// It objected, and only flags.
    Flagged,
    /// It had nothing to object to.
    Passed,
    /// It lacked a fact, and objected to nothing else.
    Abstained,
    /// It does not run on events of this kind.
    OtherKind,
    /// It is switched off.
    Disabled,
}

impl Plan {
    /// Explains the verdict that [`Plan::evaluate`] gives on the same event with the same counters.
    pub fn explain(&self, question: &Question<'_>) -> Explanation {
        let mut verdict = Verdict::new();
        let Verdict { outcome, scratch } = &mut verdict;
        let Question { event, forced, counters, .. } = *question;
        let group = self.prepare(event, forced, counters, outcome, scratch);
        let unified_sub_id = outcome.unified_sub_id().map(str::to_owned);
        let mut filters = Vec::new();
        if let Some(group) = group {
            let known = question.groups.iter().find(|known| known.id == group.id);
            let seen = Observation { event, tallies: &scratch.tallies, symbols: &scratch.symbols };
            for (index, spec) in known.iter().flat_map(|known| known.filters.iter().enumerate()) {
                let listen = |place: usize| {
                    let rule = &group.rules[place];
                    let mut recorder = Recorder {
                        writer: self.writer(rule, question.sources, outcome),
                        event,
                        unified: unified_sub_id.as_deref(),
                        told: Told::default(),
                    };
                    rule.filter.explain(&seen, &mut recorder);
                    recorder.told
                };
                filters.push(explain_filter(group, event.kind, (index, spec), listen));
            }
            outcome.finish();
        }
        let winner = verdict.filter_group();
        let (groups, groups_left_out) = self.explain_groups(question, winner);
        Explanation {
            integration_active: self.is_active(),
            winner,
            groups,
            groups_left_out,
            filters,
            unified_sub_id,
            verdict,
        }
    }

    fn explain_groups(
        &self,
        question: &Question<'_>,
        winner: Option<FilterGroupId>,
    ) -> (Vec<GroupExplanation>, usize) {
        let mut ranked = question.groups.to_vec();
        rank(&mut ranked);
        let matches =
            |group: &&FilterGroup| group.active && bound(group, question.event).iter().all(|b| b.holds);
        let (matching, mut rest): (Vec<_>, Vec<_>) = ranked.into_iter().partition(matches);
        let best = matching.first().copied();
        let named = winner.filter(|winner| best.is_none_or(|best| best.id != *winner));
        let race = Race { asked: self.is_active(), winner, named, best, second: matching.get(1).copied() };
        // A named group need not match, but is told of.
        rest.sort_by_key(|group| (Some(group.id) != named, !group.active));
        let told = matching.iter().chain(&rest).take(MAX_GROUPS);
        let groups: Vec<_> = told.map(|group| race.explain(group, question.event)).collect();
        let left_out = matching.len() + rest.len() - groups.len();
        (groups, left_out)
    }
}

/// Who came first among the groups.
struct Race<'a> {
    /// Whether groups were asked at all.
    asked: bool,
    winner: Option<FilterGroupId>,
    /// The winner, where it won because it was named.
    named: Option<FilterGroupId>,
    /// The best match, and the one after it.
    best: Option<&'a FilterGroup>,
    second: Option<&'a FilterGroup>,
}

impl Race<'_> {
    fn explain(&self, group: &FilterGroup, event: &Event) -> GroupExplanation {
        let bindings = bound(group, event);
        let outcome = if Some(group.id) == self.named {
            GroupOutcome::Named
        } else if Some(group.id) == self.winner {
            GroupOutcome::Won
        } else if !group.active {
            GroupOutcome::Inactive
        } else if !self.asked {
            GroupOutcome::NotAsked
        } else if bindings.iter().all(|bound| bound.holds) {
            GroupOutcome::Outranked
        } else {
            GroupOutcome::NoMatch
        };
        let why = match outcome {
            GroupOutcome::NotAsked => "The integration is not active.".to_owned(),
            GroupOutcome::Named => "The request named it with filter_group.".to_owned(),
            GroupOutcome::Won => why_first(group, self.second),
            GroupOutcome::Outranked if self.named.is_some() => "The request named another one.".to_owned(),
            GroupOutcome::Outranked => self.best.map(|best| why_later(group, best)).unwrap_or_default(),
            GroupOutcome::NoMatch => why_not(&bindings),
            GroupOutcome::Inactive => "Inactive groups never match.".to_owned(),
        };
        GroupExplanation {
            id: group.id,
            name: group.name.clone(),
            outcome,
            score: score(group),
            priority: group.priority,
            bindings,
            why,
        }
    }
}

/// What became of a configured filter; `listen` runs the compiled one at a place.
fn explain_filter(
    group: &Group,
    kind: EventKind,
    (index, spec): (usize, &FilterSpec),
    listen: impl FnOnce(usize) -> Told,
) -> FilterExplanation {
    let place = group.rules.iter().position(|rule| usize::from(rule.identity.index) == index);
    let (outcome, told) = match place {
        None => (FilterOutcome::Disabled, Told::default()),
        Some(place) if !group.rules[place].kinds.contains(kind) => {
            (FilterOutcome::OtherKind, Told::default())
        }
        Some(place) => {
            let told = listen(place);
            let outcome = match (told.looks.iter().any(|look| look.objects), spec.action) {
                (true, FilterAction::Reject) => FilterOutcome::Rejected,
                (true, FilterAction::Flag) => FilterOutcome::Flagged,
                (false, _) if told.missing.is_empty() => FilterOutcome::Passed,
                (false, _) => FilterOutcome::Abstained,
            };
            (outcome, told)
        }
    };
    FilterExplanation { index, filter_type: spec.filter_type.clone(), action: spec.action, outcome, told }
}

/// The group's lists that are not empty, and whether they hold the event's values.
fn bound(group: &FilterGroup, event: &Event) -> Vec<Bound> {
    let lists = lists(group).into_iter().filter(|(_, list)| !list.is_empty());
    let bound = |(column, list): (Text, &[String])| {
        let value = event.text(column);
        let holds = value.is_some_and(|value| list.iter().any(|listed| listed == value));
        Bound { column, value: value.map(str::to_owned), holds }
    };
    lists.map(bound).collect()
}

fn lists_of(score: usize) -> String {
    format!("{score} list{}", if score == 1 { "" } else { "s" })
}

/// Why a group came before the next one that matches.
fn why_first(group: &FilterGroup, next: Option<&FilterGroup>) -> String {
    match next {
        None if group.is_default() => "No other active group matches.".to_owned(),
        None => "It is the only active group that matches.".to_owned(),
        Some(next) if score(next) < score(group) => {
            format!(
                "It matches by {}, more than any other ({}: {}).",
                lists_of(score(group)),
                next.name,
                score(next)
            )
        }
        Some(next) => match (group.priority, next.priority) {
            (Some(own), Some(other)) => format!(
                "{} matches by {} as well, and priority {own} comes before its {other}.",
                next.name,
                lists_of(score(next))
            ),
            _ => format!("{} matches as well, but the Default group is always last.", next.name),
        },
    }
}

/// Why a group that matches came after the best one.
fn why_later(group: &FilterGroup, best: &FilterGroup) -> String {
    match (group.priority, best.priority) {
        _ if score(group) < score(best) => {
            format!("It matches by {}, {} by {}.", lists_of(score(group)), best.name, score(best))
        }
        (Some(own), Some(first)) => {
            format!("{} matches by as many lists, and its priority {first} comes before {own}.", best.name)
        }
        _ => format!("The Default group is always last, and {} matches.", best.name),
    }
}

/// Which list does not hold the event's value.
fn why_not(bindings: &[Bound]) -> String {
    match bindings.iter().find(|bound| !bound.holds) {
        None => String::new(),
        Some(Bound { column, value: Some(value), .. }) => {
            format!("Its list of {} does not hold {value}.", column.name())
        }
        Some(Bound { column, value: None, .. }) => {
            format!("It is bound by {}, and the event has none.", column.name())
        }
    }
}
