//! Filters that judge a source by its events, by worked examples.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod common;

use common::*;
use serde_json::{Value, json};
use tollgate_domain::*;
use tollgate_screening::Verdict;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn judge(filters: Value) -> Judge {
    Judge::new(plan(filters))
}

const SOURCE: &[(Text, &str)] = &[(Text::OfferId, "o"), (Text::Publisher, "p"), (Text::SubId, "s")];

/// A conversion of the source so many seconds after its click.
fn conversion(millis: i64, seconds: i64) -> Event {
    let mut event = event(EventKind::Conversion, millis, SOURCE);
    event.set_number(Number::ClickTime, START + millis - seconds * 1000);
    event
}

#[test]
fn too_many_quick_conversions_give_the_source_away() {
    let mut judge = judge(json!([{"type": "low_session_time"}]));
    // Half of twenty is not over half; neither are events after a conversion, whatever their number.
    for n in 0..20 {
        assert!(judge.reasons(&mut conversion(n, if n % 2 == 0 { 29 } else { 30 })).is_empty());
        let mut later = conversion(n, 1);
        later.set_text(Text::EventId, "level 2");
        assert!(judge.reasons(&mut later).is_empty());
    }
    assert!(judge.reasons(&mut conversion(30, 10)).is_empty(), "10 of 20");
    assert_eq!(judge.reasons(&mut conversion(31, 5000)), ["LOW_SESSION_TIME"], "11 of 21, whichever it is");
    assert_eq!(
        judge.evidence(),
        [json!({
            "filter": 0, "type": "low_session_time", "action": "reject", "reason": "LOW_SESSION_TIME",
            "observed": 52.38, "threshold": 50.0, "window_minutes": 1440,
            "key": ["publisher", "offer_id", "sub_id"], "count": 21,
        })]
    );
    let mut other = conversion(32, 5000);
    other.set_text(Text::SubId, "another");
    assert!(judge.reasons(&mut other).is_empty());
    let mut unknown = conversion(33, 0);
    unknown.clear_number(Number::ClickTime);
    assert!(judge.reasons(&mut unknown).is_empty(), "who does not know the click's time has no opinion");
    assert!(judge.reasons(&mut conversion(34 + DAY, 5000)).is_empty(), "a day later the window is empty");
}

#[test]
fn clicks_that_nobody_made_convert_long_after() {
    let mut judge = judge(json!([{"type": "click_spam", "params": {"min_conversions": 10}}]));
    for n in 0..10 {
        assert!(judge.reasons(&mut conversion(n, if n < 2 { 86_400 } else { 86_401 })).is_empty());
    }
    assert!(judge.reasons(&mut conversion(10, 90_000)).is_empty(), "8 of 10 are not over 80 %");
    assert_eq!(judge.reasons(&mut conversion(11, 60)), ["CLICK_SPAM"], "9 of 11");
    let evidence = &judge.evidence()[0];
    assert_eq!((&evidence["observed"], &evidence["threshold"]), (&json!(81.81), &json!(80.0)));
    assert_eq!((&evidence["window_minutes"], &evidence["count"]), (&json!(10_080), &json!(11)));
    // One more early conversion, and the share is 9 of 12.
    assert!(judge.reasons(&mut conversion(12, 60)).is_empty());
}

#[test]
fn a_rate_recovers_with_the_next_interval() {
    let filter = json!({"type": "conversion_rate", "params": {"interval": "hour", "by_sub_id": true}});
    let mut judge = judge(json!([filter]));
    let to = HOUR - START % HOUR;
    for n in 0..100 {
        assert!(judge.reasons(&mut click(n, SOURCE)).is_empty());
    }
    for n in 100..121 {
        assert!(judge.reasons(&mut conversion(n, 60)).is_empty(), "{n}: up to 20 of 100 are no finding");
    }
    assert_eq!(judge.reasons(&mut conversion(130, 60)), ["CONVERSION_RATE_HIGH"]);
    assert_eq!(
        judge.evidence(),
        [json!({
            "filter": 0, "type": "conversion_rate", "action": "reject", "reason": "CONVERSION_RATE_HIGH",
            "observed": 21.0, "threshold": 20.0, "window": "hour",
            "key": ["publisher", "offer_id", "sub_id"], "count": 121,
        })]
    );
    assert!(judge.reasons(&mut click(131, SOURCE)).is_empty(), "clicks go on");
    assert_eq!(judge.reasons(&mut conversion(to - 1, 60)), ["CONVERSION_RATE_HIGH"]);
    assert!(judge.reasons(&mut conversion(to, 60)).is_empty(), "the next hour begins anew");
    // Late for the first hour: it counts there.
    assert_eq!(judge.reasons(&mut conversion(132, 60)), ["CONVERSION_RATE_HIGH"]);
}

#[test]
fn a_low_rate_may_block_clicks() {
    let params = json!({"min_clicks": 400, "block_clicks": true});
    let mut judge = judge(json!([{"type": "conversion_rate", "params": params}]));
    assert!(judge.reasons(&mut conversion(0, 60)).is_empty());
    for n in 0..399 {
        assert!(judge.reasons(&mut click(n, SOURCE)).is_empty(), "{n}");
    }
    assert!(judge.reasons(&mut click(400, SOURCE)).is_empty(), "one conversion says nothing yet");
    assert!(judge.reasons(&mut conversion(401, 60)).is_empty(), "nor did it before this one");
    assert!(judge.reasons(&mut click(402, SOURCE)).is_empty(), "2 of 400 are 0.5 %");
    assert_eq!(judge.reasons(&mut click(403, SOURCE)), ["CONVERSION_RATE_LOW"], "2 of 401");
    assert_eq!(judge.reasons(&mut conversion(404, 60)), ["CONVERSION_RATE_LOW"]);
}

#[test]
fn what_was_rejected_tells_of_the_source_but_not_for_ever() {
    let mut judge = judge(json!([{"type": "third_party_rejection"}, {"type": "rejection_threshold"}]));
    let mut bad = conversion(0, 60);
    bad.set_text(Text::ThirdPartyRejectedReason, "fraud");
    for n in 0..20 {
        let mut next = if n < 5 { conversion(0, 60) } else { bad.clone() };
        judge.reasons(&mut next);
    }
    assert_eq!(judge.reasons(&mut click(1, SOURCE)), ["REJECTION_THRESHOLD"], "15 of 20");
    assert_eq!(
        judge.evidence(),
        [json!({
            "filter": 1, "type": "rejection_threshold", "action": "reject", "reason": "REJECTION_THRESHOLD",
            "observed": 75.0, "threshold": 70.0, "window_minutes": 10_080, "key": ["publisher", "sub_id"],
            "count": 20,
        })]
    );
    for (column, value) in [(Text::SubId, "other"), (Text::Publisher, "other")] {
        let mut other = click(2, SOURCE);
        other.set_text(column, value);
        assert!(
            judge.reasons(&mut other).is_empty(),
            "the same sub id of another publisher is another source"
        );
    }
    // Its next conversions are rejected for this alone, which does not count against it: 15 of 21, then 22.
    assert_eq!(judge.reasons(&mut conversion(3, 60)), ["REJECTION_THRESHOLD"]);
    assert_eq!(judge.reasons(&mut conversion(4, 60)), ["REJECTION_THRESHOLD"]);
    assert!(judge.reasons(&mut conversion(5, 60)).is_empty(), "15 of 22 are 68 %");
    assert_eq!(judge.reasons(&mut bad), ["THIRD_PARTY"]);
}

#[test]
fn old_devices_by_the_defaults() {
    let mut judge = judge(json!([{"type": "old_device"}]));
    let mut old = |os: [&str; 2], browser: [&str; 2]| {
        let texts = [
            (Text::OsName, os[0]),
            (Text::OsVersion, os[1]),
            (Text::BrowserName, browser[0]),
            (Text::BrowserVersion, browser[1]),
        ];
        !judge.reasons(&mut click(0, &texts)).is_empty()
    };
    for (os, browser) in [
        (["Android", "4.4.2"], ["Chrome Mobile", "126.0.0"]),
        (["Android", "14"], ["Chrome Mobile", "69.0.3497"]),
        (["iOS", "9.3.5"], ["Mobile Safari", "9.0"]),
        (["Windows", "XP"], ["", ""]),
        (["Windows", "Vista"], ["Chrome", "126.0.0"]),
        (["Linux", ""], ["Firefox", "3.6"]),
    ] {
        assert!(old(os, browser), "{os:?} {browser:?}");
    }
    for (os, browser) in [
        (["Android", "10"], ["Chrome Mobile", "138.0.0"]),
        (["Windows", "10"], ["Edge", "126.0.0"]),
        (["Windows", "7"], ["Firefox", "115.0"]),
        (["Mac OS X", "10.15.7"], ["Safari", "26.0"]),
        (["iOS", "18.7"], ["Facebook", "1.0"]),
        (["iOS", ""], ["", ""]),
        (["", ""], ["", ""]),
        (["Tizen", "2.3"], ["Netscape", "4"]),
    ] {
        assert!(!old(os, browser), "{os:?} {browser:?}");
    }
}

/// The worked example of the design: threshold 75 %, at least 100 requests.
#[test]
fn proxies_are_rejected_once_their_share_is_over_the_threshold() {
    let mut judge =
        judge(json!([{"type": "proxy", "params": {"threshold_percentage": 75, "min_requests": 100}}]));
    let mut next = 0;
    let mut send = |proxy: bool| {
        let mut click =
            click(next * 10, &[(Text::Ip, "192.0.2.1"), (Text::OfferId, "o"), (Text::Publisher, "p")]);
        next += 1;
        if proxy {
            click.set_text(Text::ProxyType, "DATA_CENTER");
        }
        let reasons = judge.reasons(&mut click);
        (reasons, judge.evidence())
    };
    for n in 0..100 {
        assert!(send(n < 74).0.is_empty(), "the first 100 pass, {n}");
    }
    // 74 of 100, 75 of 101, 76 of 102, 77 of 103 (74.76 %), 78 of 104 (75.00 %), 79 of 105 (75.24 %).
    for n in 0..5 {
        assert!(send(true).0.is_empty(), "{n}");
    }
    let (reasons, evidence) = send(true);
    assert_eq!(reasons, ["DATA_CENTER"]);
    assert_eq!(
        evidence[0],
        json!({
            "filter": 0, "type": "proxy", "action": "reject", "reason": "DATA_CENTER", "field": "DATA_CENTER",
            "observed": 75.23, "threshold": 75.0, "window_minutes": 720, "key": ["publisher", "offer_id"],
            "count": 105,
        })
    );
    assert_eq!(send(true).0, ["DATA_CENTER"], "80 of 106");
    assert!(send(false).0.is_empty(), "ordinary clicks still pass");
    assert!(send(true).0.is_empty(), "81 of 108 is 75.00 %");
}

/// The same, with devices.
#[test]
fn old_devices_are_rejected_once_their_share_is_over_the_threshold() {
    let params = json!({"threshold_percentage": 75, "min_browser_versions": {}});
    let mut judge = judge(json!([{"type": "old_device", "params": params}]));
    let mut next = 0;
    let mut send = |version: &str| {
        next += 1;
        let mut click = click(next * 10, SOURCE);
        click.set_text(Text::OsName, "Android");
        click.set_text(Text::OsVersion, version);
        (judge.reasons(&mut click), judge.evidence())
    };
    for n in 0..100 {
        assert!(send(if n < 74 { "6.9" } else { "7" }).0.is_empty(), "the first 100 pass, {n}");
    }
    for n in 0..5 {
        assert!(send("5").0.is_empty(), "{n}");
    }
    let (reasons, evidence) = send("5");
    assert_eq!(reasons, ["OLD_DEVICE"]);
    assert_eq!(
        evidence,
        [json!({
            "filter": 0, "type": "old_device", "action": "reject", "reason": "OLD_DEVICE", "field": "os_version",
            "observed": 75.23, "threshold": 75.0, "window_minutes": 1440, "key": ["publisher", "offer_id"],
            "count": 105,
        })]
    );
    assert!(send("10").0.is_empty(), "ordinary clicks still pass");
}

#[test]
fn install_times_must_be_in_order() {
    let mut judge = judge(json!([{"type": "install_time"}]));
    let mut send = |times: &[(Number, i64)]| {
        let mut event = event(EventKind::Conversion, 100_000, &[]);
        times.iter().for_each(|(column, millis)| event.set_number(*column, START + millis));
        let found = judge.reasons(&mut event);
        (found, judge.evidence(), judge.verdict.abstained() != 0)
    };
    use Number::{BeginInstallTime, ClickTime, FinishInstallTime, LandingPageTime};
    let fine = [(LandingPageTime, 0), (ClickTime, 10), (BeginInstallTime, 20), (FinishInstallTime, 30)];
    assert_eq!(send(&fine), (vec![], vec![], false));
    // Clocks differ by five seconds.
    assert!(send(&[(ClickTime, 5_020), (BeginInstallTime, 20), (FinishInstallTime, 105_000)]).0.is_empty());
    let (reasons, evidence, _) =
        send(&[(ClickTime, 0), (BeginInstallTime, 60_000), (FinishInstallTime, 50_000)]);
    assert_eq!(reasons, ["WRONG_INSTALL_TIME"]);
    assert_eq!(
        evidence,
        [json!({"filter": 0, "type": "install_time", "action": "reject", "reason": "WRONG_INSTALL_TIME",
            "field": "finish_install_time", "observed": 10, "threshold": 5})]
    );
    let (reasons, evidence, _) = send(&[(ClickTime, 8_000), (BeginInstallTime, 1_000)]);
    assert_eq!(reasons, ["CLICK_INJECTION"]);
    assert_eq!((&evidence[0]["field"], &evidence[0]["observed"]), (&json!("click_time"), &json!(7)));
    assert_eq!(send(&[(ClickTime, 0)]), (vec![], vec![], true), "not an install");
}

/// Whether an event would pass now; it is not counted.
fn passes(judge: &Judge, event: &Event) -> bool {
    let mut verdict = Verdict::new();
    judge.plan.evaluate(event, None, &(), &judge.counters, &mut verdict);
    verdict.status() == Status::Approved
}

/// The record of a late rejection of `event`.
fn late(event: &Event, seq: u64, millis: i64) -> Event {
    let mut record = Amendment::of(event, Timestamp::from_millis(START + millis)).record;
    record.seq = seq;
    record.set_status(Status::Rejected);
    record.set_text(Text::Rejections, r#"["LATE"]"#);
    record
}

#[test]
fn late_rejections_count_where_their_conversion_happened() {
    // Four hits stand in place, twelve in a ring.
    for (count, min) in [(4, 4), (12, 12)] {
        let params = json!({"min_conversions": min, "max_percentage": 50, "lookback_days": 1});
        let mut judge = judge(json!([{"type": "rejection_threshold", "params": params}]));
        let mut records: Vec<Event> = (0..count).map(|n| conversion(n * HOUR, 60)).collect();
        for (n, event) in records.iter_mut().enumerate() {
            event.seq = n as u64 + 1;
            assert!(judge.reasons(event).is_empty());
        }
        let half = count as usize / 2;
        for n in 0..=half {
            let pass = passes(&judge, &conversion(count * HOUR, 60));
            assert!(pass, "{n} of {count} are not over half");
            let record = late(&records[n], records.len() as u64 + 1, count * HOUR);
            judge.plan.count_late_rejection(&record, &mut judge.counters);
            records.push(record);
        }
        let pass = passes(&judge, &conversion(count * HOUR, 60));
        assert!(!pass, "one more than half is");
        let mut folded = counters();
        for record in &records {
            if record.text(Text::Rejections) == Some(r#"["LATE"]"#) {
                judge.plan.count_late_rejection(record, &mut folded);
            } else {
                judge.plan.fold(record, &mut folded);
            }
        }
        assert!(export(&folded) == export(&judge.counters), "folding counts the same");
        // The rejected ones were the oldest: when they leave the window, the source is back.
        let later = conversion((half as i64 + 25) * HOUR, 60);
        assert!(passes(&judge, &later));
    }
}

#[test]
fn a_late_rejection_of_what_no_window_has_changes_nothing() {
    let params = json!({"min_conversions": 1, "max_percentage": 0, "lookback_days": 1});
    let mut judge = judge(json!([{"type": "rejection_threshold", "params": params}]));
    let (mut old, mut young) = (conversion(0, 60), conversion(3 * DAY, 60));
    (old.seq, young.seq) = (1, 2);
    assert!(judge.reasons(&mut old).is_empty() && judge.reasons(&mut young).is_empty());
    judge.plan.count_late_rejection(&late(&old, 3, 3 * DAY), &mut judge.counters);
    let mut other = late(&young, 4, 3 * DAY);
    other.set_text(Text::SubId, "another source");
    judge.plan.count_late_rejection(&other, &mut judge.counters);
    assert!(passes(&judge, &conversion(3 * DAY, 60)));
    judge.plan.count_late_rejection(&late(&young, 5, 3 * DAY), &mut judge.counters);
    assert!(!passes(&judge, &conversion(3 * DAY, 60)));
}
