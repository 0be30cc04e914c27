//! The attacks, as public documents describe how they work (docs/SCENARIOS.md). Each labels every event that it makes.

use super::super::people::device_id;
use super::world::{DAY, Device, HOUR, Install, OFFERED, SECOND, START, Source, World};
use tollgate_domain::Timestamp;

/// Seconds from an injected click to the first start: the app is on the phone already, and most are opened at once.
const INJECTED_INSTALLS: &[(u64, u64)] =
    &[(0, 1), (300, 5), (500, 9), (700, 14), (850, 25), (920, 60), (970, 600), (1_000, 36_000)];
/// Seconds a script takes from its click to the first start.
const SCRIPTED_INSTALLS: &[(u64, u64)] = &[(0, 40), (500, 110), (900, 300), (1_000, 900)];

/// Emulators that say what they are, in the user agents of their system images.
const EMULATORS: &[&str] = &[
    "Mozilla/5.0 (Linux; Android 13; sdk_gphone64_x86_64 Build/TE1A.220922.034; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/103.0.5060.71 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 9; Android SDK built for x86 Build/PSR1.180720.117; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/69.0.3497.100 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 8.0.0; Google Nexus 5X Build/OPR6.170623.017; Genymotion; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/74.0.3729.185 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 11; AOSP on IA Emulator Build/RSR1.210210.001.A1; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/83.0.4103.106 Mobile Safari/537.36",
];
/// Lists of copied user agents put together wrongly: parts that no maker ever shipped together.
const PATCHWORK: &[&str] = &[
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.5735.196 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 4.4.2; SM-G900F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.6778.200 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Android 12; SM-G991B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.144 Mobile Safari/537.36",
];
/// Images of the emulators that gamers use carry names of real phones, on systems of years ago.
const OLD_IMAGES: &[(&str, &str)] = &[
    ("5.1.1", "SM-G955N"),
    ("5.1.1", "SM-N976N"),
    ("7.1.2", "SM-G988N"),
    ("7.1.2", "ASUS_Z01QD"),
    ("9", "SM-S908E"),
];

/// A source of an attack.
fn source<'a>(label: &'a str, publisher: &'a str, sub_id: String, offer: usize) -> Source<'a> {
    Source { label, publisher, sub_id, offer }
}

impl World {
    /// Click flooding: apps in the background report clicks on phones whose owners see nothing, day and night, again and
    /// again, so that whoever installs the app by themselves was "sent" by the last of them.
    pub(super) fn click_flood(&mut self, full: u64, from: i64, to: i64) {
        for _ in 0..self.some(full) {
            let (at, device) = (self.steady(from, to), self.phone());
            let sub_id = format!("bg{}", self.random.below(3));
            let install = self.happens_rarely().then(|| self.organic(&device, 48 * HOUR));
            self.click(at, &source("click_flood", "pub-torrent", sub_id, 0), &device, install.as_ref());
        }
    }

    /// True 15 times of ten thousand: how many flooded or stuffed clicks happen to be followed by an install.
    fn happens_rarely(&mut self) -> bool {
        self.random.below(10_000) < 15
    }

    /// An install that has nothing to do with the click before it: it comes at any time until the next such click.
    fn organic(&mut self, device: &Device, until_next: i64) -> Install {
        let after = 30 * SECOND + self.random.below(until_next as u64) as i64;
        let began = after - 8 * SECOND - self.random.below(20_000) as i64;
        let address = if after > HOUR { self.address() } else { device.address.clone() };
        Install { after, began, address }
    }

    /// Cookie stuffing: each page of a site with coupons loads the click links of all offers in frames nobody sees. People
    /// read a few pages, and some of them buy days later, for reasons of their own.
    pub(super) fn cookie_stuffing(&mut self, full: u64, from: i64, to: i64) {
        let mut left = self.some(full);
        while left > 0 {
            let (mut at, visitor) = (self.waking(from, to), self.browser());
            for _ in 0..1 + self.random.below(5) {
                let page = format!("page-{}", self.random.below(40));
                for offer in 0..OFFERED {
                    let install = self.happens_rarely().then(|| self.organic(&visitor, 7 * DAY));
                    let source = source("cookie_stuffing", "pub-coupon", page.clone(), offer);
                    let moment = at.plus_millis(self.random.below(400) as i64);
                    self.click(moment, &source, &visitor, install.as_ref());
                    left = left.saturating_sub(1);
                }
                at = at.plus_millis(5 * SECOND + self.random.below(85_000) as i64);
            }
        }
    }

    /// Click injection: an app on the phone learns of an installation under way and reports a click for it. So as not to
    /// stand out by a rate of one install to a click, it reports clicks at other times too.
    pub(super) fn click_injection(&mut self, full: u64, from: i64, to: i64) {
        for _ in 0..self.some(full) {
            let (at, device) = (self.waking(from, to), self.phone());
            let sub_id = format!("util{}", self.random.below(6));
            let install = self.happens(80).then(|| Install {
                after: self.drawn(INJECTED_INSTALLS),
                // What announces itself is a download under way, or one that is complete.
                began: -(6 * SECOND + self.random.below(60_000) as i64),
                address: device.address.clone(),
            });
            self.click(at, &source("click_injection", "pub-needle", sub_id, 0), &device, install.as_ref());
        }
    }

    /// Clicks from rented servers, all within minutes, under the user agents of phones. Nine in ten of the addresses are
    /// in the published ranges of their provider; the others are of a provider that nobody lists.
    pub(super) fn data_center_burst(&mut self, full: u64, day: i64, minutes: i64) {
        let begin = START.plus_millis(day * DAY + 14 * HOUR);
        for _ in 0..self.some(full) {
            let at = begin.plus_millis(self.random.below((minutes * 60 * SECOND) as u64) as i64);
            let id = device_id(&mut self.random);
            let network = if self.random.chance(96) { "192.0.2" } else { "198.51.100" };
            let address = format!("{network}.{}", 1 + self.random.below(254));
            let device = Device { agent: self.android(), address, id };
            let sub_id = format!("r{}", self.random.below(4));
            let offer = self.random.below(OFFERED as u64) as usize;
            self.click(at, &source("data_center_burst", "pub-racks", sub_id, offer), &device, None);
        }
    }

    /// A farm of emulators clicks, installs and opens by script, with a new advertising id every time. Half of it goes out
    /// through its hosting provider, half through households' lines; most of it says things of its device that give it away.
    pub(super) fn emulator_farm(&mut self, full: u64, from: i64, to: i64) {
        for _ in 0..self.some(full) {
            let (at, id) = (self.steady(from, to), device_id(&mut self.random));
            let agent = match self.random.below(100) {
                0..35 => (*self.random.pick(EMULATORS)).to_owned(),
                35..60 => (*self.random.pick(PATCHWORK)).to_owned(),
                60..80 => {
                    let (version, model) = *self.random.pick(OLD_IMAGES);
                    format!(
                        "Mozilla/5.0 (Linux; Android {version}; {model}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/92.0.4515.131 Mobile Safari/537.36"
                    )
                }
                _ => self.android(),
            };
            let address = if self.random.chance(50) {
                format!("192.0.2.{}", 1 + self.random.below(60))
            } else {
                self.address()
            };
            let device = Device { agent, address, id };
            let install = self.happens(300).then(|| {
                let after = self.drawn(SCRIPTED_INSTALLS);
                Install { after, began: after - 20 * SECOND, address: device.address.clone() }
            });
            let sub_id = format!("vm{}", self.random.below(2));
            self.click(at, &source("emulator_farm", "pub-gears", sub_id, 1), &device, install.as_ref());
        }
    }

    /// Sub-id mixing: half of a publisher's traffic is real, on its own placements; the other half is flooded, under sub
    /// ids that are made up and soon dropped, so that none of them ever collects enough to be judged by.
    pub(super) fn sub_id_mixing(&mut self, full: u64, from: i64, to: i64) {
        for _ in 0..self.some(full) / 2 {
            let (at, device) = (self.waking(from, to), self.phone());
            let sub_id = format!("blend-{}", self.random.below(8));
            let install = self.happens(30).then(|| self.persons_install(&device));
            self.click(at, &source("good", "pub-blend", sub_id, 0), &device, install.as_ref());
        }
        for _ in 0..self.some(full) / 2 {
            let (at, device) = (self.steady(from, to), self.phone());
            let sub_id = format!("{:06x}", self.random.below(1 << 24));
            let install = self.happens(6).then(|| self.organic(&device, 48 * HOUR));
            self.click(at, &source("sub_id_mixing", "pub-blend", sub_id, 0), &device, install.as_ref());
        }
    }

    /// A rack of real phones that click the same offers all day, with the same ids from ever other addresses.
    pub(super) fn duplicate_devices(&mut self, phones: u64, from: i64, to: i64) {
        for phone in 0..self.some(phones) {
            let agent = self.android();
            let id = device_id(&mut self.random);
            for day in from..to {
                for _ in 0..40 {
                    let device = Device { agent: agent.clone(), address: self.address(), id: id.clone() };
                    let at = self.steady(day, day + 1);
                    let sub_id = format!("rack{}", phone % 4);
                    let offer = self.random.below(2) as usize;
                    self.click(at, &source("duplicate_devices", "pub-rack", sub_id, offer), &device, None);
                }
            }
        }
    }

    /// Nothing bad: somebody with many followers shows the app in the evening of day `day`. Thousands of people who were never
    /// seen before come through one publisher's one placement, and many of them share their carrier's addresses.
    pub(super) fn viral_spike(&mut self, full: u64, day: i64) {
        let source = source("viral", "pub-creator", "video".to_owned(), 0);
        let begin = START.plus_millis(day * DAY + 18 * HOUR);
        for _ in 0..self.some(full) {
            let (at, device) = (self.spike(begin), self.phone());
            let install = self.happens(20).then(|| self.persons_install(&device));
            self.click(at, &source, &device, install.as_ref());
            if self.happens(80) {
                let again = at.plus_millis(2 * SECOND + self.random.below(600_000) as i64);
                self.click(again, &source, &device, None);
            }
        }
    }

    /// A moment of a spike: it doubles in minutes, and each hour and a half halves what is left.
    fn spike(&mut self, begin: Timestamp) -> Timestamp {
        if self.random.chance(20) {
            let up = self.random.below(3_000).max(self.random.below(3_000)).max(self.random.below(3_000));
            return begin.plus_millis(up as i64 * SECOND);
        }
        let (half, mut after) = (90 * 60 * SECOND, 50 * 60 * SECOND);
        while after < 12 * HOUR && self.random.chance(50) {
            after += half;
        }
        begin.plus_millis(after + self.random.below(half as u64) as i64)
    }
}
