//! Three days of traffic with a label on every line: what kind of good or bad it was made as.

use super::KINDS;
use super::people::{
    AGENTS, AUTOMATA, BOT_FARM, FLOODER, GOOD, HOSTER, LANGUAGES, OFFERS, PLACEMENTS, address, device_id,
};
use crate::random::Random;
use serde_json::{Value, json};
use tollgate_domain::{EventKind, Timestamp};

/// How far back the traffic goes.
pub(super) const SPAN_MS: i64 = 3 * 86_400_000;
/// Always the same traffic.
const SEED: u64 = 0x7011_6a7e;

const PEOPLE: u64 = 3_000;
const IMPRESSIONS: u64 = 2_000;
const BOTS: u64 = 400;
const HOSTED: u64 = 300;
/// More than the Default group lets one address have in an hour.
const FLOOD: u64 = 700;

/// The traffic of the days before `until`, a file of NDJSON for each kind.
pub(super) fn generate(until: Timestamp) -> Vec<(EventKind, Vec<u8>)> {
    let mut maker =
        Maker { random: Random::new(SEED), until, number: 0, lines: [Vec::new(), Vec::new(), Vec::new()] };
    maker.people();
    maker.bots();
    maker.hosted();
    maker.flood();
    maker.impressions();
    KINDS.into_iter().zip(maker.lines).collect()
}

struct Maker {
    random: Random,
    until: Timestamp,
    number: u64,
    lines: [Vec<u8>; 3],
}

impl Maker {
    fn push(&mut self, kind: EventKind, line: &Value) {
        for (known, lines) in KINDS.iter().zip(&mut self.lines) {
            if *known == kind {
                lines.extend_from_slice(line.to_string().as_bytes());
                lines.push(b'\n');
            }
        }
    }

    /// A moment of the days before, by day more often than by night.
    fn moment(&mut self) -> Timestamp {
        loop {
            let at = self.until.plus_millis(-(self.random.below(SPAN_MS as u64) as i64));
            let hour = at.millis() / 3_600_000 % 24;
            if (7..23).contains(&hour) || self.random.chance(30) {
                return at;
            }
        }
    }

    /// A click at `at`; what is not given is chosen.
    fn click(&mut self, at: Timestamp, label: &str, publisher: &str, address: &str, agent: &str) -> Value {
        self.number += 1;
        let (offer, name, advertiser, _) = *self.random.pick(OFFERS);
        let placement = *self.random.pick(PLACEMENTS);
        json!({
            "click_time": at.millis(), "label": label, "publisher": publisher, "click_ip": address,
            "user_agent": agent, "offer": offer, "offer_name": name, "advertiser": advertiser,
            "sub_id": placement, "browser_languages": self.random.pick(LANGUAGES),
            "referer": format!("https://{publisher}.example/{placement}"),
            "external_transaction_id": format!("demo-{:05}", self.number),
            "device_id": device_id(&mut self.random), "payout": "0.02",
        })
    }

    /// People click, some of them twice, few of them convert.
    fn people(&mut self) {
        for _ in 0..PEOPLE {
            let (at, from) = (self.moment(), address(&mut self.random));
            let (publisher, agent) = (*self.random.pick(GOOD), *self.random.pick(AGENTS));
            let click = self.click(at, "good", publisher, &from, agent);
            self.push(EventKind::Click, &click);
            if self.random.chance(12) {
                let again = at.plus_millis(2_000 + self.random.below(600_000) as i64);
                let mut second = click.clone();
                second["click_time"] = again.min(self.until).millis().into();
                second["external_transaction_id"] =
                    format!("{}-again", click["external_transaction_id"].as_str().unwrap_or_default()).into();
                second["label"] = "duplicate".into();
                self.push(EventKind::Click, &second);
            }
            if self.random.chance(5) {
                self.conversion(&click, at);
            }
        }
    }

    /// An install some minutes after its click; now and then one that no hand is quick enough for.
    fn conversion(&mut self, click: &Value, clicked: Timestamp) {
        let hasty = self.random.chance(10);
        let seconds =
            if hasty { 2 + self.random.below(4) } else { 40 + self.random.below(60) * self.random.below(60) };
        let at = clicked.plus_millis(seconds as i64 * 1000).min(self.until);
        let revenue = OFFERS.iter().find(|offer| click["offer"] == offer.0).map_or("1.00", |offer| offer.3);
        let line = json!({
            "conversion_time": at.millis(), "label": if hasty { "hasty" } else { "good" },
            "external_transaction_id": click["external_transaction_id"], "revenue": revenue, "goal": "install",
        });
        self.push(EventKind::Conversion, &line);
    }

    /// Crawlers and scripts.
    fn bots(&mut self) {
        for _ in 0..BOTS {
            let (at, from) = (self.moment(), address(&mut self.random));
            let agent = *self.random.pick(AUTOMATA);
            let click = self.click(at, "bot", BOT_FARM, &from, agent);
            self.push(EventKind::Click, &click);
        }
    }

    /// Ordinary browsers, as they say, on servers and behind a VPN.
    fn hosted(&mut self) {
        for _ in 0..HOSTED {
            let (at, agent) = (self.moment(), *self.random.pick(AGENTS));
            let (network, label) =
                if self.random.chance(70) { ("192.0.2", "data_center") } else { ("203.0.113", "vpn") };
            let from = format!("{network}.{}", 1 + self.random.below(254));
            let click = self.click(at, label, HOSTER, &from, agent);
            self.push(EventKind::Click, &click);
        }
    }

    /// One address clicks all through forty minutes, under changing sub ids.
    fn flood(&mut self) {
        let start = self.until.plus_millis(-30 * 3_600_000);
        for i in 0..FLOOD {
            let at = start.plus_millis((i * 40 * 60_000 / FLOOD + self.random.below(900)) as i64);
            let agent = AGENTS[(i % 3) as usize];
            let mut click = self.click(at, "flood", FLOODER, "198.18.77.77", agent);
            click["sub_id"] = format!("s{:04x}", self.random.below(1 << 16)).into();
            self.push(EventKind::Click, &click);
        }
    }

    fn impressions(&mut self) {
        for i in 0..IMPRESSIONS {
            let (at, from) = (self.moment(), address(&mut self.random));
            let (publisher, agent) = (*self.random.pick(GOOD), *self.random.pick(AGENTS));
            let (offer, _, advertiser, _) = *self.random.pick(OFFERS);
            let line = json!({
                "impression_time": at.millis(), "label": "good", "publisher": publisher, "offer": offer,
                "advertiser": advertiser, "impression_ip": from, "user_agent": agent, "creative": format!("cr-{}", i % 7),
                "ad_type": "interstitial", "site_url": format!("https://{publisher}.example/"),
            });
            self.push(EventKind::Impression, &line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn the_traffic_is_the_same_every_time_and_lies_before_its_end() {
        let until = Timestamp::from_millis(1_780_000_000_000);
        let files = generate(until);
        assert_eq!(files, generate(until));
        let mut labels: HashMap<String, u64> = HashMap::new();
        for (kind, text) in &files {
            for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let line: Value = serde_json::from_slice(line).unwrap();
                let at = line[format!("{}_time", kind.name())].as_i64().unwrap();
                assert!((until.millis() - SPAN_MS..=until.millis()).contains(&at), "{line}");
                *labels.entry(format!("{} {}", kind.name(), line["label"].as_str().unwrap())).or_default() +=
                    1;
            }
        }
        assert_eq!((labels["click good"], labels["click bot"], labels["click flood"]), (PEOPLE, BOTS, FLOOD));
        assert!(labels["click duplicate"] > 300 && labels["conversion good"] > 100, "{labels:?}");
        assert!(
            labels["click vpn"] > 50
                && labels["conversion hasty"] > 5
                && labels["impression good"] == IMPRESSIONS
        );
    }
}
