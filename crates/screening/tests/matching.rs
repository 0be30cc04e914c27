//! Which group judges an event.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod common;

use common::*;
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;
use tollgate_domain::*;
use tollgate_screening::Plan;

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
}
