//! Filters that compare with lists, and those that count what people type or a calendar caps.

use crate::common::START;
use crate::counting::columns;
use crate::harness::*;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::json;
use tollgate_domain::*;

const LEVELS: &[&str] = &["offer", "publisher", "advertiser", "sub_id"];
const ISPS: &[&str] = &["Hetzner Online GmbH", "HETZNER ONLINE GMBH", "Telekom", "Kölnnet", "", "-"];
const ASNS: &[i64] = &[0, 3320, 24940, 4_294_967_295, -1];
const KEYWORDS: &[&str] = &["Free VPN", "free vpn", " FREE VPN ", "казино", "КАЗИНО", "vpn", "", "-"];
const LANGUAGES: &[&str] =
    &["de", "de-AT,en;q=0.5", "en-US,en;q=0.9", "en;q=0.4,FR;q=0.9", "vi-VN", "*", "en;q=0", "iw", "", "-"];

const REFERRERS: &[&str] = &[
    "https://news.example/",
    "https://www.essex.example/a/b?q=1",
    "HTTPS://BIGPORNO.example/",
    "https://a.example/sex",
    "https://sexton.example/",
    "https://www.otohits.net/x",
    "http://semalt.com/crawler.php?u=http://abb.example",
    "https://abc.example/äpfel",
    "",
    "-",
];

/// Values of the columns that the harness leaves alone, for each event of a stream.
fn dice() -> impl Strategy<Value = Vec<[u8; 3]>> {
    proptest::collection::vec(any::<[u8; 3]>(), 120)
}

fn pick<T: Copy>(values: &[T], die: u8) -> T {
    values[usize::from(die) % values.len()]
}

fn set(event: &mut Event, column: Text, value: &str) {
    if value != "-" {
        event.set_text(column, value);
    }
}

/// The stream with more columns.
fn dressed(
    stream: &[Sample],
    pace: Pace,
    dice: &[[u8; 3]],
    dress: impl Fn(&mut Event, [u8; 3]),
) -> Vec<Event> {
    let mut events = events(stream, pace);
    events.iter_mut().zip(dice).for_each(|(event, dice)| dress(event, *dice));
    events
}

fn found(wrong: bool, reason: &'static str) -> Expected {
    if wrong { vec![(reason, None)] } else { Vec::new() }
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn isp(stream in streams(60), dice in dice(), names in subsequence(&["hetzner online gmbh", "KÖLNNET"], 0..=2),
           asns in subsequence(&[0, 24940, 4_294_967_295_i64], 0..=3)) {
        let stream = dressed(&stream, Pace::seconds(1), &dice, |event, [isp, asn, _]| {
            set(event, Text::Isp, pick(ISPS, isp));
            event.set_number(Number::Asn, pick(ASNS, asn));
        });
        let params = json!({"names": names, "asns": asns});
        check(json!({"type": "isp", "params": params}), "UTC", stream, |_, event| {
            let name = folded(text(event, Text::Isp));
            let named = !name.is_empty() && names.iter().any(|listed| folded(listed) == name);
            found(named || asns.contains(&event.number(Number::Asn).unwrap()), "BLOCKED_ISP")
        })?;
    }

    #[test]
    fn keyword(stream in streams(120), dice in dice(), hours in 1i64..30,
               blocked in subsequence(&["VPN ", "Казино"], 0..=2), allowed in proptest::option::of(0usize..5),
               levels in subsequence(LEVELS, 0..=4)) {
        // Steps of five minutes, so that windows of hours matter.
        let stream = dressed(&stream, Pace::seconds(300), &dice, |event, [keyword, ..]| {
            set(event, Text::Keyword, pick(KEYWORDS, keyword));
        });
        let params = json!({"blocked": blocked, "allowed_duplicates": allowed, "lookback_hours": hours,
            "level": levels});
        let levels = columns(&levels);
        check(json!({"type": "keyword", "params": params}), "UTC", stream, |history, event| {
            let typed = folded(text(event, Text::Keyword));
            if event.kind != EventKind::Click || typed.is_empty() {
                return Vec::new();
            }
            let key = |event: &Event| {
                let mut key = key(event, &[Text::Keyword], &levels)?;
                key[0] = folded(&key[0]);
                Some(key)
            };
            let is_click = |seen: &Event| seen.kind == EventKind::Click;
            let count = history.window(event, Window::Minutes(hours * 60), key, is_click).len();
            let mut expected = found(blocked.iter().any(|listed| folded(listed) == typed), "KEYWORD");
            if allowed.is_some_and(|allowed| count > allowed) {
                expected.push(("KEYWORD", Some(count)));
            }
            expected
        })?;
    }

    #[test]
    fn click_capping(stream in streams(120), cap in 1usize..6, levels in subsequence(LEVELS, 0..=4),
                     (period, unit) in prop_oneof![Just(("hour", 60)), Just(("day", 1800)), Just(("week", 14_400)),
                         Just(("month", 40_000))],
                     zone in prop_oneof![Just("UTC"), Just("Europe/Berlin"), Just("Asia/Kathmandu")]) {
        let params = json!({"cap": cap, "period": period, "level": levels});
        let levels = columns(&levels);
        // The clocks change in the middle: 2026-10-25.
        let stream = events(&stream, Pace { from: 1_792_800_000_000, unit: unit * 1000 });
        check(json!({"type": "click_capping", "params": params}), zone, stream, |history, event| {
            if event.kind != EventKind::Click {
                return Vec::new();
            }
            let key = |event: &Event| key(event, &[], &levels);
            let is_click = |seen: &Event| seen.kind == EventKind::Click;
            let count = history.window(event, Window::Calendar(period, zone), key, is_click).len();
            if count >= cap { vec![("CLICK_CAP", Some(count))] } else { Vec::new() }
        })?;
    }

    #[test]
    fn referrer(stream in streams(60), dice in dice(), categories in subsequence(&["adult", "fraud", "spam"], 0..=3),
                keywords in subsequence(&["Essex", "ÄPFEL", "?q="], 0..=3),
                group in subsequence(&["news.example", "/a/b"], 0..=2),
                patterns in subsequence(&[r"^https://[a-z]+\.example/$", "b{2}"], 0..=2)) {
        let stream = dressed(&stream, Pace::seconds(1), &dice, |event, [referrer, ..]| {
            set(event, Text::Referer, pick(REFERRERS, referrer));
        });
        let params = json!({"categories": categories, "keywords": keywords, "patterns": patterns,
            "groups": [{"name": "a group", "keywords": group}, {"name": "empty"}]});
        check(json!({"type": "referrer", "params": params}), "UTC", stream, |_, event| {
            let referrer = text(event, Text::Referer).to_ascii_lowercase();
            if event.kind != EventKind::Click || referrer.is_empty() {
                return Vec::new();
            }
            // What each category must find in the few referrers there are.
            let bad = |category: &&str| match *category {
                "adult" => referrer.contains("bigporno") || referrer == "https://a.example/sex",
                "fraud" => referrer.contains("otohits"),
                _ => referrer.contains("semalt"),
            };
            let contains = |text: &&str| referrer.contains(&text.to_ascii_lowercase());
            let listed = categories.iter().any(bad) || keywords.iter().chain(&group).any(contains);
            let host = referrer.strip_prefix("https://").and_then(|rest| rest.strip_suffix(".example/"));
            let matched = patterns.iter().any(|pattern| match *pattern {
                "b{2}" => referrer.contains("bb"),
                _ => host.is_some_and(|host| !host.is_empty() && host.chars().all(|c| c.is_ascii_lowercase())),
            });
            [found(listed, "REFERRER"), found(matched, "REFERRER")].concat()
        })?;
    }

    #[test]
    fn signature(stream in streams(60), dice in dice(), required: bool, minutes in 1i64..5000) {
        let ages = [-1000, 0, 59_999, 60_000, minutes * 60_000, minutes * 60_000 + 1, 400_000_000];
        let stream = dressed(&stream, Pace { from: START, unit: 1007 }, &dice, |event, [valid, age, _]| {
            if let Some(valid) = pick(&[None, Some(0), Some(1), Some(1)], valid) {
                event.set_number(Number::SignatureValid, valid);
                event.set_number(Number::SignedAt, event.at().millis() - pick(&ages, age));
            }
        });
        let params = json!({"required": required, "max_age_minutes": minutes});
        check(json!({"type": "signature", "params": params}), "UTC", stream, |_, event| {
            if event.kind != EventKind::Click {
                return Vec::new();
            }
            match event.number(Number::SignatureValid) {
                None => found(required, "INVALID_SIGNATURE"),
                Some(0) => found(true, "INVALID_SIGNATURE"),
                _ => {
                    let age = event.at().millis() - event.number(Number::SignedAt).unwrap();
                    found(age > minutes * 60_000, "EXPIRED_LINK")
                }
            }
        })?;
    }

    #[test]
    fn language(stream in streams(60), dice in dice(), allowed in subsequence(&["de", "en-US", "fr", "he"], 0..=4),
                blocked in subsequence(&["de-AT", "vi"], 0..=2), empty: bool, mismatch: bool) {
        let stream = dressed(&stream, Pace::seconds(1), &dice, |event, [languages, ..]| {
            set(event, Text::BrowserLanguages, pick(LANGUAGES, languages));
        });
        let params = json!({"allowed": allowed, "blocked": blocked, "reject_empty": empty, "country_mismatch": mismatch});
        check(json!({"type": "language", "params": params}), "UTC", stream, |_, event| {
            if event.kind == EventKind::Impression {
                return Vec::new();
            }
            // The user's own language, its country, and everything accepted.
            let (own, region, all): (_, _, &[_]) = match text(event, Text::BrowserLanguages) {
                "de" => ("de", "", &["de"]),
                "de-AT,en;q=0.5" => ("de", "AT", &["de", "en"]),
                "en-US,en;q=0.9" => ("en", "US", &["en"]),
                "en;q=0.4,FR;q=0.9" => ("fr", "", &["en", "fr"]),
                "vi-VN" => ("vi", "VN", &["vi"]),
                "iw" => ("he", "", &["he"]),
                _ => return found(empty, "LANGUAGE"),
            };
            let named = |list: &[&str]| list.iter().any(|one| *one == own || *one == format!("{own}-{region}"));
            let refused = named(&blocked) || (!allowed.is_empty() && !named(&allowed));
            let spoken: &[&str] = match text(event, Text::Country) {
                "DE" => &["de"],
                "FR" => &["fr"],
                "US" => &["en", "vi"],
                _ => all,
            };
            let differs = mismatch && !all.iter().any(|one| spoken.contains(one));
            [found(refused, "LANGUAGE"), found(differs, "LANGUAGE")].concat()
        })?;
    }
}
