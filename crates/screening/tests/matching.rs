//! Which group judges an event.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod common;

use common::*;
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;
use tollgate_domain::*;
use tollgate_screening::{GroupExplanation, Plan, Question, overlaps};

fn bound(
    id: &str,
    priority: Option<u32>,
    advertisers: &[&str],
    offers: &[&str],
    publishers: &[&str],
) -> Arc<FilterGroup> {
    group(
        id,
        json!({
            "priority": priority, "advertiser_ids": advertisers, "offer_ids": offers, "publisher_ids": publishers,
        }),
    )
}

fn winner(groups: &[Arc<FilterGroup>], event: &Event) -> Option<FilterGroupId> {
    Plan::compile(&integration(), groups).unwrap().group_for(event, None)
}

#[test]
fn the_most_specific_group_wins_then_the_smaller_priority() {
    let groups = [
        bound("defaultaaa", None, &[], &[], &[]),
        bound("publisherp", Some(1), &[], &[], &["p", "q"]),
        bound("offeranyof", Some(2), &[], &["o"], &[]),
        bound("offerpubli", Some(9), &[], &["o"], &["p"]),
        bound("allofthree", Some(10), &["a"], &["o"], &["p"]),
        bound("unboundone", Some(20), &[], &[], &[]),
        group(
            "inactive0a",
            json!({"active": false, "priority": 3, "advertiser_ids": ["a"], "offer_ids": ["o"],
            "publisher_ids": ["p"]}),
        ),
    ];
    for (advertiser, offer, publisher, expected) in [
        ("a", "o", "p", "allofthree"),
        ("b", "o", "p", "offerpubli"),
        ("", "o", "p", "offerpubli"),
        ("a", "o", "q", "publisherp"),
        ("a", "o", "r", "offeranyof"),
        ("a", "x", "q", "publisherp"),
        ("a", "x", "r", "unboundone"),
        ("", "", "", "unboundone"),
    ] {
        let event =
            click(0, &[(Text::Advertiser, advertiser), (Text::OfferId, offer), (Text::Publisher, publisher)]);
        assert_eq!(winner(&groups, &event).unwrap().as_str(), expected, "{advertiser} {offer} {publisher}");
    }
    assert_eq!(winner(&groups[..1], &click(0, &[])).unwrap().as_str(), "defaultaaa");
}

#[test]
fn without_an_active_group_nothing_is_rejected() {
    let inactive = group("defaultaaa", json!({"active": false, "filters": [{"type": "bot"}]}));
    let mut judge = Judge::new(Plan::compile(&integration(), &[inactive]).unwrap());
    let mut click = click(0, &[(Text::BotClass, "crawlers")]);
    assert!(judge.reasons(&mut click).is_empty());
    assert_eq!(click.text(Text::FilterGroupId), None);
    assert_eq!(click.status(), Some(Status::Approved));
}

#[test]
fn a_forced_group_judges_whatever_matches() {
    let groups = [
        bound("defaultaaa", None, &[], &[], &[]),
        bound("forcedabcd", Some(4), &[], &["other"], &[]),
        group("inactive0a", json!({"active": false, "priority": 3})),
    ];
    let plan = Plan::compile(&integration(), &groups).unwrap();
    let id = |text: &str| Some(text.parse().unwrap());
    assert_eq!(plan.group_for(&click(0, &[]), id("forcedabcd")), id("forcedabcd"));
    assert_eq!(plan.group_for(&click(0, &[]), id("inactive0a")), id("defaultaaa"));
    assert_eq!(plan.group_for(&click(0, &[]), id("unknownaaa")), id("defaultaaa"));
    assert!(plan.has_group("forcedabcd".parse().unwrap()) && !plan.has_group("inactive0a".parse().unwrap()));
}

/// What became of each group, and why.
fn told(groups: &[Arc<FilterGroup>], active: bool, event: &Event, forced: Option<&str>) -> Vec<String> {
    let integration = Integration { active, ..integration() };
    let plan = Plan::compile(&integration, groups).unwrap();
    let groups: Vec<&FilterGroup> = groups.iter().map(|group| &**group).collect();
    let forced = forced.map(|id| id.parse().unwrap());
    let counters = counters();
    let question = Question { event, forced, groups: &groups, sources: &(), counters: &counters };
    let explained = plan.explain(&question);
    assert_eq!(explained.winner, plan.group_for(event, forced).filter(|_| active));
    let line = |group: &GroupExplanation| format!("{} {:?} {}", group.id, group.outcome, group.why);
    explained.groups.iter().map(line).collect()
}

#[test]
fn every_group_is_told_why_it_judged_or_not() {
    let groups = [
        bound("defaultaaa", None, &[], &[], &[]),
        bound("publisherp", Some(1), &[], &[], &["p", "q"]),
        bound("offeranyof", Some(2), &[], &["o"], &[]),
        bound("advertisea", Some(3), &["a"], &[], &[]),
        group("inactive0a", json!({"active": false, "priority": 4})),
    ];
    let event = click(0, &[(Text::OfferId, "o"), (Text::Publisher, "p")]);
    assert_eq!(
        told(&groups, true, &event, None),
        [
            "publisherp Won offeranyof matches by 1 list as well, and priority 1 comes before its 2.",
            "offeranyof Outranked publisherp matches by as many lists, and its priority 1 comes before 2.",
            "defaultaaa Outranked It matches by 0 lists, publisherp by 1.",
            "advertisea NoMatch It is bound by advertiser, and the event has none.",
            "inactive0a Inactive Inactive groups never match.",
        ]
    );
    assert_eq!(
        told(&groups[..4], true, &event, Some("advertisea")),
        [
            "publisherp Outranked The request named another one.",
            "offeranyof Outranked The request named another one.",
            "defaultaaa Outranked The request named another one.",
            "advertisea Named The request named it with filter_group.",
        ]
    );
    assert_eq!(
        told(&groups[..2], true, &click(0, &[(Text::Publisher, "x")]), None),
        [
            "defaultaaa Won No other active group matches.",
            "publisherp NoMatch Its list of publisher does not hold x."
        ]
    );
    assert_eq!(
        told(&groups[..1], false, &event, None),
        ["defaultaaa NotAsked The integration is not active."]
    );
    assert_eq!(
        told(&groups[4..], true, &event, None),
        ["inactive0a Inactive Inactive groups never match."],
        "no group is active"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// 150 groups, so that the index has several words.
    #[test]
    fn the_index_finds_what_a_search_finds(
        lists in proptest::collection::vec(
            (0..1000u32, proptest::collection::vec(proptest::sample::subsequence(vec!["a", "b", "c", "d"], 0..3), 3)),
            0..150),
        events in proptest::collection::vec([0usize..5, 0usize..5, 0usize..5], 1..20),
    ) {
        let groups: Vec<_> = lists.iter().enumerate().map(|(n, (priority, lists))| {
            // Priorities may tie here, which the catalog forbids; ids decide then.
            bound(&format!("group{n:05}"), Some(*priority), &lists[0], &lists[1], &lists[2])
        }).collect();
        let plan = Plan::compile(&integration(), &groups).unwrap();
        for values in events {
            let texts = ["a", "b", "c", "d", "e"];
            let event = click(0, &[(Text::Advertiser, texts[values[0]]), (Text::OfferId, texts[values[1]]),
                (Text::Publisher, texts[values[2]])]);
            let matching = groups.iter().filter_map(|group| {
                let lists = [&group.advertiser_ids, &group.offer_ids, &group.publisher_ids];
                let fits = lists.iter().zip(values).all(|(list, value)| {
                    list.is_empty() || list.iter().any(|listed| listed == texts[value])
                });
                let score = lists.iter().filter(|list| !list.is_empty()).count();
                fits.then_some((std::cmp::Reverse(score), group.priority, group.id))
            });
            prop_assert_eq!(plan.group_for(&event, None), matching.min().map(|best| best.2));
        }
    }

    /// Every pair is told that some event over these values matches by as many lists, and its example is such an event.
    #[test]
    fn overlaps_are_what_a_search_finds(
        lists in proptest::collection::vec(
            proptest::collection::vec(proptest::sample::subsequence(vec!["a", "b", "c"], 0..3), 3), 0..12),
    ) {
        let groups: Vec<_> = lists.iter().enumerate().map(|(n, lists)| {
            bound(&format!("group{n:05}"), Some(n as u32 + 1), &lists[0], &lists[1], &lists[2])
        }).collect();
        let plan = |pair: [&Arc<FilterGroup>; 2]| Plan::compile(&integration(), &pair.map(Arc::clone)).unwrap();
        let lists = |group: &FilterGroup| [group.advertiser_ids.clone(), group.offer_ids.clone(), group.publisher_ids.clone()];
        let score = |group: &FilterGroup| lists(group).iter().filter(|list| !list.is_empty()).count();
        let mut expected = Vec::new();
        for (n, a) in groups.iter().enumerate() {
            for b in &groups[n + 1..] {
                let meets = |(a, b): (Vec<String>, Vec<String>)| a.is_empty() || b.is_empty() || a.iter().any(|v| b.contains(v));
                if score(a) == score(b) && lists(a).into_iter().zip(lists(b)).all(meets) {
                    expected.push((a.id, b.id));
                }
            }
        }
        let found = overlaps(&groups.iter().map(|group| &**group).collect::<Vec<_>>());
        prop_assert!(found.complete);
        let mut pairs: Vec<_> = found.pairs.iter().map(|pair| (pair.winner, pair.other)).collect();
        pairs.sort_unstable();
        prop_assert_eq!(pairs, expected);
        for pair in found.pairs {
            let of = |id| groups.iter().find(|group| group.id == id).unwrap();
            let texts: Vec<_> = pair.example.iter().map(|(column, value)| (*column, value.as_str())).collect();
            let event = click(0, &texts);
            prop_assert_eq!(plan([of(pair.winner), of(pair.other)]).group_for(&event, None), Some(pair.winner));
            prop_assert_eq!(plan([of(pair.other), of(pair.other)]).group_for(&event, None), Some(pair.other));
        }
    }
}
