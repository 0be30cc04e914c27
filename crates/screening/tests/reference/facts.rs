//! Filters that look at the event alone: whatever happened before, the answer is the same.

use crate::harness::*;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::json;
use tollgate_domain::*;

const PROXIES: &[&str] = &["VPN", "DATA_CENTER", "TOR", "PUBLIC_PROXY", "RESIDENTIAL_PROXY"];
const CLASSES: &[&str] = &["crawlers", "headless", "emulators", "libraries", "empty_user_agent"];

fn found(wrong: bool, reason: &'static str) -> Expected {
    if wrong { vec![(reason, None)] } else { Vec::new() }
}

fn some(options: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(options, 0..=options.len())
}

/// Milliseconds from the click to the conversion.
pub(crate) fn elapsed(event: &Event) -> Option<i64> {
    let end = event.number(Number::ConversionTime).or(event.number(Number::RequestTime)).unwrap();
    Some(end - event.number(Number::ClickTime)?)
}

/// The numbers of a version, padded; `None` when it has none.
fn parts(name: &str, version: &str) -> Option<Vec<u32>> {
    let version = match (name, version) {
        ("Windows", "XP") => "5.1",
        ("Windows", "8") => "6.2",
        ("Windows", "8.1") => "6.3",
        (_, version) => version,
    };
    let parts: Result<Vec<u32>, _> = version.split('.').map(str::parse).collect();
    parts.ok().map(|mut parts| {
        parts.resize(4, 0);
        parts
    })
}

/// Whether an event's system or browser is older than `oldest` says of (systems, browsers); `None` when unknown.
pub(crate) fn outdated(event: &Event, oldest: [&[(&str, &str)]; 2]) -> Option<bool> {
    let columns = [(Text::OsName, Text::OsVersion), (Text::BrowserName, Text::BrowserVersion)];
    let answers = oldest.iter().zip(columns).map(|(oldest, (name, version))| {
        let (name, version) = (text(event, name), text(event, version));
        match oldest.iter().find(|(known, _)| *known == name) {
            _ if name.is_empty() => None,
            None => Some(false),
            Some((_, minimum)) => Some(parts(name, version)? < parts(name, minimum)?),
        }
    });
    answers.flatten().reduce(|a, b| a || b)
}

/// Some least versions, and the same as parameters.
pub(crate) fn minimums() -> impl Strategy<Value = ([Vec<(&'static str, &'static str)>; 2], serde_json::Value)>
{
    const SYSTEMS: &[(&str, &str)] =
        &[("Android", "9.9.1"), ("Android", "5"), ("iOS", "16.6"), ("Windows", "8"), ("Windows", "XP")];
    const BROWSERS: &[(&str, &str)] =
        &[("Chrome", "79.0.3945.1"), ("Chrome Mobile", "80.0.0.0"), ("IE", "12")];
    (subsequence(SYSTEMS, 0..=5), subsequence(BROWSERS, 0..=3)).prop_map(|(mut systems, browsers)| {
        systems.dedup_by_key(|(name, _)| *name);
        let object = |pairs: &[(&str, &str)]| -> serde_json::Value {
            pairs
                .iter()
                .map(|(name, version)| (name.to_string(), serde_json::Value::from(*version)))
                .collect()
        };
        let params = json!({"min_os_versions": object(&systems), "min_browser_versions": object(&browsers)});
        ([systems, browsers], params)
    })
}

fn is_conversion(event: &Event) -> bool {
    event.kind == EventKind::Conversion
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn data_validation(stream in streams(60), allowed in some(&["p1", "p3"]), blocked in some(&["p1", "p2"]),
                       offer in some(&["o1"]), empty: bool, other: bool) {
        let params = json!({"publisher": {"allowed": allowed, "blocked": blocked, "reject_empty": empty},
            "sub_id": {"reject_empty": other}, "offer": {"blocked": offer}});
        check_facts(json!({"type": "data_validation", "params": params}), &stream, |event| {
            let mut wrong = 0;
            wrong += usize::from(match text(event, Text::Publisher) {
                "" => empty,
                value => blocked.contains(&value) || (!allowed.is_empty() && !allowed.contains(&value)),
            });
            wrong += usize::from(offer.contains(&text(event, Text::OfferId)));
            wrong += usize::from(other && text(event, Text::SubId).is_empty());
            (vec![("DATA_VALIDATION", None); wrong], false)
        })?;
    }

    #[test]
    fn device_id(stream in streams(60), block_empty: bool, block_zero: bool) {
        let params = json!({"block_empty": block_empty, "block_zero": block_zero});
        check_facts(json!({"type": "device_id", "params": params}), &stream, |event| {
            let groups: Vec<_> = text(event, Text::DeviceId).split('-').collect();
            let form = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
                && groups.iter().all(|group| group.chars().all(|c| c.is_ascii_hexdigit()));
            let wrong = match text(event, Text::DeviceId) {
                "" => block_empty,
                id => !form || (block_zero && id.chars().all(|c| matches!(c, '0' | '-'))),
            };
            (found(wrong && event.kind != EventKind::Impression, "INVALID_DEVICE_ID"), false)
        })?;
    }

    #[test]
    fn bot(stream in streams(60), on in some(CLASSES), allow: bool) {
        let mut params = serde_json::Map::new();
        CLASSES.iter().for_each(|name| drop(params.insert((*name).into(), on.contains(name).into())));
        params.insert("verified_search_engines".into(), if allow { "allow" } else { "reject" }.into());
        check_facts(json!({"type": "bot", "params": params}), &stream, |event| {
            let wrong = match text(event, Text::BotClass) {
                "" => false,
                "contradiction" => true,
                "crawlers" if allow && text(event, Text::SearchEngine) == "google" => false,
                class => on.contains(&class),
            };
            let unknown = text(event, Text::BotClass).is_empty() && event.text(Text::UserAgent).is_none();
            (found(wrong, "BOT"), unknown)
        })?;
    }

    #[test]
    fn proxy_without_a_threshold(stream in streams(60), kinds in subsequence(PROXIES, 1..=5), relays: bool) {
        let params = json!({"kinds": kinds, "allow_private_relays": relays});
        check_facts(json!({"type": "proxy", "params": params}), &stream, |event| {
            let reason = match text(event, Text::ProxyType) {
                "PRIVATE_RELAY" => (!relays).then_some("VPN"),
                kind => kinds.iter().copied().find(|known| *known == kind),
            };
            let unknown = text(event, Text::Ip).is_empty();
            (reason.filter(|_| !unknown).map(|reason| (reason, None)).into_iter().collect(), unknown)
        })?;
    }

    #[test]
    fn geo(stream in streams(60), allowed in some(&["DE", "US", "IT"]), blocked in some(&["DE", "FR"]),
           mismatch: bool, reject_unknown: bool) {
        let params = json!({"allowed": allowed, "blocked": blocked, "click_conversion_mismatch": mismatch,
            "unknown": if reject_unknown { "reject" } else { "allow" }});
        check_facts(json!({"type": "geo", "params": params}), &stream, |event| {
            let (country, click) = (text(event, Text::Country), text(event, Text::ClickCountry));
            let illegal = match country {
                "" => reject_unknown && !text(event, Text::Ip).is_empty(),
                code => blocked.contains(&code) || (!allowed.is_empty() && !allowed.contains(&code)),
            };
            let differs = mismatch && is_conversion(event) && ![country, click].contains(&"") && country != click;
            let found = [found(illegal, "GEO_NOT_ALLOWED"), found(differs, "GEO_MISMATCH")].concat();
            let listed = reject_unknown || !allowed.is_empty() || !blocked.is_empty();
            let compares = mismatch && is_conversion(event);
            let unknown = country.is_empty() && !illegal && listed;
            (found, unknown || (compares && [country, click].contains(&"")))
        })?;
    }

    #[test]
    fn old_device_without_a_threshold(stream in streams(60), (oldest, params) in minimums()) {
        check_facts(json!({"type": "old_device", "params": params}), &stream, |event| {
            if event.kind == EventKind::Impression {
                return (Vec::new(), false);
            }
            let old = outdated(event, [&oldest[0], &oldest[1]]);
            (found(old == Some(true), "OLD_DEVICE"), old.is_none())
        })?;
    }

    #[test]
    fn third_party_rejection(stream in streams(60)) {
        check_facts(json!({"type": "third_party_rejection"}), &stream, |event| {
            let wrong = is_conversion(event) && !text(event, Text::ThirdPartyRejectedReason).is_empty();
            (found(wrong, "THIRD_PARTY"), false)
        })?;
    }

    #[test]
    fn session_time(stream in streams(60), min in prop_oneof![Just(0), Just(30), 0i64..4000], more in 1i64..200_000) {
        let params = json!({"min_seconds": min, "max_seconds": min + more});
        check_facts(json!({"type": "session_time", "params": params}), &stream, |event| {
            let legal = min * 1000..=(min + more) * 1000;
            let wrong = is_conversion(event) && elapsed(event).is_some_and(|elapsed| !legal.contains(&elapsed));
            (found(wrong, "SESSION_TIME"), is_conversion(event) && elapsed(event).is_none())
        })?;
    }

    #[test]
    fn install_time(stream in streams(60), tolerance in prop_oneof![Just(5i64), 5i64..=99]) {
        let params = json!({"tolerance_seconds": tolerance});
        check_facts(json!({"type": "install_time", "params": params}), &stream, |event| {
            if !is_conversion(event) {
                return (Vec::new(), false);
            }
            let begin = event.number(Number::BeginInstallTime);
            let end = event.number(Number::ConversionTime).or(event.number(Number::RequestTime));
            let steps = [event.number(Number::LandingPageTime), begin, event.number(Number::FinishInstallTime), end];
            let known: Vec<i64> = steps.into_iter().flatten().collect();
            let later = |first: i64, second: i64| first > second + tolerance * 1000;
            let broken = (0..known.len()).any(|n| known[n..].iter().any(|after| later(known[n], *after)));
            let injected = match (event.number(Number::ClickTime), begin) {
                (Some(click), Some(begin)) => later(click, begin),
                _ => false,
            };
            let found = [found(broken, "WRONG_INSTALL_TIME"), found(injected, "CLICK_INJECTION")].concat();
            (found, begin.is_none() || event.number(Number::ClickTime).is_none())
        })?;
    }
}
