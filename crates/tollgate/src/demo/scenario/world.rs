//! The world of the scenarios: networks, devices and people, as public documents describe them (docs/SCENARIOS.md). Nothing in
//! here may look at a filter's numbers: what is modelled is the world, not what we catch.

use super::super::people::{AGENTS, GOOD, LANGUAGES, OFFERS, address, device_id};
use crate::random::Random;
use serde_json::{Value, json};
use tollgate_domain::Timestamp;

pub(super) const SECOND: i64 = 1_000;
pub(super) const HOUR: i64 = 3_600 * SECOND;
pub(super) const DAY: i64 = 24 * HOUR;

/// When every scenario begins: Monday, 2 June 2025, 00:00 UTC.
pub(super) const START: Timestamp = Timestamp::from_millis(1_748_822_400_000);

/// How many placements each of the real publishers has.
const PLACEMENTS: u64 = 8;

/// How many of the demonstration's offers the scenarios are about.
pub(super) const OFFERED: usize = 3;

/// Carriers, and public addresses of each that its subscribers share.
const CARRIERS: u64 = 3;
const CARRIER_ADDRESSES: u64 = 400;

/// How many of a thousand people are on a phone's network, have a phone of Apple's, an Android that is no longer kept
/// up, a VPN that is known as one.
const ON_CARRIER: u64 = 550;
const APPLE: u64 = 300;
const OUTDATED: u64 = 15;
const BEHIND_VPN: u64 = 4;
/// How many of a thousand advertising ids are all zeros: on Apple's phones most users refuse tracking, on Android few do.
const APPLE_ZEROS: u64 = 650;
const ANDROID_ZEROS: u64 = 30;

const ZERO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// Phones: model, and the Android version that most of them run.
const PHONES: &[(&str, &str)] = &[
    ("SM-S928B", "15"),
    ("SM-S918B", "14"),
    ("SM-A556B", "14"),
    ("SM-A546B", "14"),
    ("SM-A346B", "14"),
    ("SM-A155F", "14"),
    ("SM-A536B", "13"),
    ("SM-A127F", "13"),
    ("SM-G991B", "13"),
    ("SM-A515F", "12"),
    ("SM-J610FN", "10"),
    ("Pixel 9", "15"),
    ("Pixel 8a", "15"),
    ("Pixel 7", "14"),
    ("Pixel 6a", "14"),
    ("23106RN0DA", "14"),
    ("2201117TG", "13"),
    ("M2101K6G", "12"),
    ("Redmi Note 9 Pro", "11"),
    ("Redmi 8A", "9"),
    ("moto g84 5G", "14"),
    ("moto g(60)", "12"),
    ("CPH2483", "14"),
    ("CPH2271", "12"),
    ("RMX3511", "13"),
    ("V2140", "12"),
    ("Nokia G21", "13"),
    ("JSN-L21", "10"),
];
const OLD_PHONES: &[(&str, &str)] =
    &[("SM-J500FN", "6.0.1"), ("SM-G532F", "6.0.1"), ("HUAWEI TIT-L01", "5.1"), ("Moto G (4)", "6.0.1")];
const WEBVIEWS: &[&str] = &[
    "137.0.7151.61",
    "137.0.7151.44",
    "136.0.7103.125",
    "135.0.7049.111",
    "134.0.6998.135",
    "131.0.6778.200",
];
const IOS: &[&str] = &["18_5", "18_5", "18_4_1", "18_3_2", "17_6_1", "17_5_1", "16_7_10", "15_8_4"];

/// How likely a click is in each hour of the day, in percent of the busiest.
const HOURS: [u64; 24] =
    [30, 20, 15, 12, 12, 18, 30, 45, 60, 65, 65, 70, 75, 75, 72, 70, 72, 78, 88, 98, 100, 95, 75, 50];

/// Seconds from a person's click to the first start of the app, at these parts of a thousand: 75 % within an hour and
/// 94 % within a day, as measurement companies publish; nobody downloads and opens an app in no time.
pub(super) const PERSON_INSTALLS: &[(u64, u64)] = &[
    (0, 12),
    (5, 30),
    (100, 60),
    (300, 130),
    (500, 360),
    (650, 1_200),
    (750, 3_600),
    (860, 14_400),
    (940, 86_400),
    (1_000, 604_800),
];

/// Someone, or something, that clicks.
#[derive(Clone)]
pub(super) struct Device {
    pub(super) agent: String,
    pub(super) address: String,
    pub(super) id: String,
}

/// Where a click leads and who is paid for it.
#[derive(Clone)]
pub(super) struct Source<'a> {
    pub(super) label: &'a str,
    pub(super) publisher: &'a str,
    pub(super) sub_id: String,
    /// Index of the offer, below [`OFFERED`].
    pub(super) offer: usize,
}

/// What follows a click.
pub(super) struct Install {
    /// Milliseconds after the click at which the app is first started.
    pub(super) after: i64,
    /// Milliseconds after the click at which its download began; before the click when negative.
    pub(super) began: i64,
    /// The address at the first start.
    pub(super) address: String,
}

/// Makes the lines of one scenario, always the same ones.
pub(super) struct World {
    pub(super) random: Random,
    /// Of the full traffic, in percent.
    percent: u64,
    number: u64,
    lines: Vec<u8>,
}

impl World {
    pub(super) fn new(seed: u64, percent: u64) -> Self {
        Self { random: Random::new(seed), percent, number: 0, lines: Vec::new() }
    }

    /// The lines: a click each, with its conversion if it has one.
    pub(super) fn into_lines(self) -> Vec<u8> {
        self.lines
    }

    /// How many of `full` this run makes.
    pub(super) fn some(&self, full: u64) -> u64 {
        (full * self.percent / 100).max(1)
    }

    /// True `parts` times of a thousand.
    pub(super) fn happens(&mut self, parts: u64) -> bool {
        self.random.below(1_000) < parts
    }

    /// Milliseconds drawn from a distribution that is given by its quantiles: parts of a thousand, and seconds.
    pub(super) fn drawn(&mut self, quantiles: &[(u64, u64)]) -> i64 {
        let at = self.random.below(1_000);
        let above = quantiles.iter().position(|(part, _)| *part > at).unwrap_or(quantiles.len() - 1).max(1);
        let ((from, low), (to, high)) = (quantiles[above - 1], quantiles[above]);
        let milliseconds = (low * 1_000, high * 1_000);
        let span = milliseconds.1 - milliseconds.0;
        let within = span * (at - from) / (to - from) + self.random.below((span / (to - from)).max(1));
        (milliseconds.0 + within) as i64
    }

    /// A moment from day `from` up to day `to`, when people are awake.
    pub(super) fn waking(&mut self, from: i64, to: i64) -> Timestamp {
        loop {
            let at = self.steady(from, to);
            if self.random.chance(HOURS[(at.millis() / HOUR % 24) as usize]) {
                return at;
            }
        }
    }

    /// A moment from day `from` up to day `to`, by night as well as by day.
    pub(super) fn steady(&mut self, from: i64, to: i64) -> Timestamp {
        START.plus_millis(from * DAY + self.random.below(((to - from) * DAY) as u64) as i64)
    }

    /// A person's address: their home's, or one that they share with the other subscribers of a carrier.
    pub(super) fn address(&mut self) -> String {
        if self.happens(BEHIND_VPN) {
            return format!("203.0.113.{}", 1 + self.random.below(254));
        }
        if !self.happens(ON_CARRIER) {
            return address(&mut self.random);
        }
        let carrier = self.random.below(CARRIERS);
        // Some gateways serve more people than others: up to twice the mean.
        let gateway = self.random.below(CARRIER_ADDRESSES).min(self.random.below(CARRIER_ADDRESSES));
        format!("100.{}.{}.{}", 64 + carrier, gateway / 250, 1 + gateway % 250)
    }

    /// A person with a phone, in an app.
    pub(super) fn phone(&mut self) -> Device {
        let address = self.address();
        if self.happens(APPLE) {
            let id = if self.happens(APPLE_ZEROS) { ZERO_ID.to_owned() } else { device_id(&mut self.random) };
            return Device { agent: self.apple(), address, id };
        }
        let id = if self.happens(ANDROID_ZEROS) { ZERO_ID.to_owned() } else { device_id(&mut self.random) };
        Device { agent: self.android(), address, id }
    }

    fn apple(&mut self) -> String {
        let version = *self.random.pick(IOS);
        format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS {version} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
        )
    }

    /// The browser inside an app; one in three comes from Chrome, which says the same of all phones.
    pub(super) fn android(&mut self) -> String {
        let webview = *self.random.pick(WEBVIEWS);
        if self.random.chance(33) {
            let major = webview.split('.').next().unwrap_or_default();
            return format!(
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Mobile Safari/537.36"
            );
        }
        let outdated = self.happens(OUTDATED);
        let (model, version) = *self.random.pick(if outdated { OLD_PHONES } else { PHONES });
        let webview = if outdated { "106.0.5249.126" } else { webview };
        format!(
            "Mozilla/5.0 (Linux; Android {version}; {model}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/{webview} Mobile Safari/537.36"
        )
    }

    /// A person at a browser: nothing on the web has an advertising id.
    pub(super) fn browser(&mut self) -> Device {
        let agent =
            if self.random.chance(50) { self.android() } else { (*self.random.pick(AGENTS)).to_owned() };
        Device { agent, address: self.address(), id: String::new() }
    }

    /// A placement of a real publisher, for one of the offers.
    pub(super) fn honest(&mut self, label: &'static str) -> Source<'static> {
        let publisher = *self.random.pick(GOOD);
        let sub_id = format!("{}-{}", &publisher[4..], self.random.below(PLACEMENTS));
        Source { label, publisher, sub_id, offer: self.random.below(OFFERED as u64) as usize }
    }

    /// An install as a person makes it, who may be on another network by then.
    pub(super) fn persons_install(&mut self, device: &Device) -> Install {
        let after = self.drawn(PERSON_INSTALLS);
        let download = (8 * SECOND + self.random.below(40_000) as i64).min(after * 2 / 3);
        let moved = after > HOUR && self.random.chance(40);
        let address = if moved { self.address() } else { device.address.clone() };
        Install { after, began: after - download, address }
    }

    /// Writes a click down, and its install.
    pub(super) fn click(
        &mut self,
        at: Timestamp,
        source: &Source<'_>,
        device: &Device,
        install: Option<&Install>,
    ) {
        self.number += 1;
        let (offer, _, advertiser, revenue) = OFFERS[source.offer];
        let mut line = json!({
            "click_time": at.millis(), "label": source.label, "publisher": source.publisher, "sub_id": source.sub_id,
            "offer": offer, "advertiser": advertiser, "click_ip": device.address, "user_agent": device.agent,
            "browser_languages": self.random.pick(LANGUAGES), "external_transaction_id": format!("s{:06}", self.number),
            "referer": format!("https://{}.example/{}", source.publisher, source.sub_id), "device_id": device.id,
        });
        if let (Some(install), Value::Object(fields)) = (install, &mut line) {
            let began = at.plus_millis(install.began);
            fields.insert("converted".to_owned(), at.plus_millis(install.after).millis().into());
            fields.insert("begin_install_time".to_owned(), began.millis().into());
            fields.insert("conversion_ip".to_owned(), install.address.clone().into());
            fields.insert("revenue".to_owned(), revenue.into());
        }
        self.lines.extend_from_slice(line.to_string().as_bytes());
        self.lines.push(b'\n');
    }

    /// What people do on the days from `from` up to `to`: `full` of them click, some twice, and three of a hundred install.
    pub(super) fn people(&mut self, full: u64, from: i64, to: i64, who: fn(&mut Self) -> Device) {
        for _ in 0..self.some(full) {
            let (at, device, source) = (self.waking(from, to), who(self), self.honest("good"));
            let install = self.happens(30).then(|| self.persons_install(&device));
            self.click(at, &source, &device, install.as_ref());
            let mut again = at;
            // Impatience: a second tap, and seldom a third.
            for parts in [80, 120] {
                if !self.happens(parts) {
                    break;
                }
                again = again.plus_millis(2 * SECOND + self.random.below(600_000) as i64);
                self.click(again, &source, &device, None);
            }
        }
    }
}
