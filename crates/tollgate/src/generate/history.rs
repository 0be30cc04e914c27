//! A made-up history for measurements: any number of events over any number of days, the same for the same seed.
//!
//! The values are drawn as live traffic has them, a few of each very often and most of them seldom, and the hours of
//! the day differ. Verdicts are drawn too: nothing is screened. An event is a function of the seed and its number
//! alone, so a conversion can name its click without anything being kept.

use super::names;
use crate::demo::people;
use crate::random::Random;
use std::fmt::Write;
use tollgate_domain::{Event, EventKind, IntegrationId, Number, Status, Text, Timestamp, TxId};

const DAY_MS: i64 = 86_400_000;
/// How busy each hour of the day is.
const HOURS: [u64; 24] =
    [42, 33, 27, 24, 23, 26, 34, 46, 57, 63, 67, 71, 76, 74, 71, 69, 72, 78, 86, 95, 100, 93, 76, 57];
/// Events come up to this long after one that has a greater number.
const JITTER_MS: u64 = 4000;
/// How far back the numbers of the clicks lie that conversions name, at most.
const CLICKS_BACK: u64 = 500_000;

/// What is to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct History {
    pub(crate) seed: u64,
    /// How many events.
    pub(crate) events: u64,
    /// Over how many days.
    pub(crate) days: u32,
    /// The first day's beginning.
    pub(crate) start: Timestamp,
}

impl History {
    /// Fills in the `n`-th event of `integration`, counted from 0. Numbers lie in the order of time but for a few seconds.
    pub(crate) fn fill(&self, n: u64, integration: IntegrationId, event: &mut Event) {
        let mut random = self.random(n, 0);
        let kind = self.kind(n);
        event.reset(kind, integration);
        event.id = self.id(n);
        let at = event.id.time().millis();
        event.set_number(Number::RequestTime, at);
        event.set_number(Number::ArrivalTime, at + random.below(900) as i64);
        let source = Source::of(kind, &mut random);
        source.write(event, &mut random);
        write_user(event, &mut random);
        match kind {
            EventKind::Click => event.set_number(Number::Payout, source.cents * 100),
            EventKind::Conversion => self.convert(n, &source, event, &mut random),
            EventKind::Impression => {
                event.set_number(Number::Price, source.cents * 40_000);
                event.set_number(Number::VideoCompleted, i64::from(random.chance(60)));
            }
        }
        write_verdict(event, &mut random);
    }

    /// Whatever belongs to one event, apart from what belongs to others and to other `purpose`s.
    fn random(&self, n: u64, purpose: u64) -> Random {
        let mixed = Random::new(self.seed ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).next();
        Random::new(mixed ^ purpose << 56)
    }

    /// Of a hundred events 88 are clicks, 8 impressions, 4 conversions.
    fn kind(&self, n: u64) -> EventKind {
        match self.random(n, 1).below(100) {
            0..88 => EventKind::Click,
            88..96 => EventKind::Impression,
            _ => EventKind::Conversion,
        }
    }

    fn id(&self, n: u64) -> TxId {
        let mut random = self.random(n, 2);
        let chance = u128::from(random.next()) << 16 | u128::from(random.next() as u16);
        TxId::new(Timestamp::from_millis(self.time(n) + random.below(JITTER_MS) as i64), chance)
    }

    /// The time that the number stands for: every day has its share of the events, every hour of a day its own.
    fn time(&self, n: u64) -> i64 {
        let all = HOURS.iter().sum::<u64>();
        // In hours' shares of one day, times the number of events.
        let place = u128::from(n) * u128::from(self.days) * u128::from(all);
        let events = u128::from(self.events.max(1));
        let (day, mut rest) = (place / (events * u128::from(all)), place % (events * u128::from(all)));
        let mut hour = 0;
        while hour < 23 && rest >= events * u128::from(HOURS[hour]) {
            rest -= events * u128::from(HOURS[hour]);
            hour += 1;
        }
        let within = rest * 3_600_000 / (events * u128::from(HOURS[hour]));
        self.start.millis() + day as i64 * DAY_MS + hour as i64 * 3_600_000 + within as i64
    }

    /// What a conversion has beside a click's columns: its click, its times, its money.
    fn convert(&self, n: u64, source: &Source, event: &mut Event, random: &mut Random) {
        let at = event.id.time().millis();
        let click = (1..64).map(|_| n.saturating_sub(1 + random.skewed(CLICKS_BACK)));
        if let Some(click) = click.into_iter().find(|n| self.kind(*n) == EventKind::Click) {
            let id = self.id(click);
            event.write_text(Text::ClickRealTxId, |out| {
                let _ = write!(out, "{id}");
            });
            event.set_number(Number::ClickTime, id.time().millis().min(at));
        }
        event.set_number(Number::ConversionTime, at);
        event.write_text(Text::Hash, |out| {
            let _ = write!(out, "{:016x}{:016x}", random.next(), random.next());
        });
        event.set_number(Number::Revenue, source.cents * 13_000);
        event.set_number(Number::Payout, source.cents * 10_000);
        event.set_text(Text::Goal, "install");
    }
}

/// Where traffic comes from and for whom.
struct Source {
    kind: EventKind,
    offer: u64,
    publisher: u64,
    /// What an action is worth.
    cents: i64,
}

impl Source {
    fn of(kind: EventKind, random: &mut Random) -> Self {
        let offer = random.skewed(500);
        let publisher = random.skewed(300);
        Self { kind, offer, publisher, cents: 20 + (offer * 37 % 400) as i64 }
    }

    fn write(&self, event: &mut Event, random: &mut Random) {
        let mut coded = |column, prefix: &str, code: u64| {
            event.write_text(column, |out| {
                let _ = write!(out, "{prefix}{code}");
            });
        };
        coded(Text::OfferId, "offer-", self.offer);
        coded(Text::Advertiser, "adv-", self.offer % 40);
        coded(Text::Publisher, "pub-", self.publisher);
        coded(Text::SubId, "src-", self.publisher * 50 + random.skewed(50));
        coded(Text::Campaign, "cmp-", self.offer * 3 + random.below(3));
        coded(Text::Creative, "crv-", self.offer * 8 + random.skewed(8));
        if self.kind == EventKind::Impression {
            coded(Text::AppId, "app-", self.publisher % 60);
            event.set_text(
                Text::AdLocation,
                names::PLACEMENTS[random.skewed(names::PLACEMENTS.len() as u64) as usize],
            );
            event.set_text(Text::AdType, "interstitial");
        } else if random.chance(25) {
            event.write_text(Text::ExternalTransactionId, |out| {
                let _ = write!(out, "{:016x}{:016x}", random.next(), random.next());
            });
        }
    }
}

/// The user: address with what is known of it, browser, device.
fn write_user(event: &mut Event, random: &mut Random) {
    let network = random.below(800);
    event.set_text(Text::Ip, &people::address(random));
    let country = names::COUNTRIES[random.skewed(names::COUNTRIES.len() as u64) as usize];
    event.set_text(Text::Country, country);
    event.write_text(Text::City, |out| {
        let _ = write!(out, "{country} City {}", random.skewed(60));
    });
    event.write_text(Text::Isp, |out| {
        let _ = write!(out, "{country} Telecom {}", network % 20);
    });
    event.set_number(Number::Asn, 64_512 + network as i64);
    if random.chance(4) {
        event.set_text(Text::ProxyType, ["VPN", "DCH", "TOR"][random.skewed(3) as usize]);
    }
    write_device(event, random);
    event.set_text(Text::DeviceId, &people::device_id(random));
    event.set_text(
        Text::BrowserLanguages,
        names::LANGUAGES[random.skewed(names::LANGUAGES.len() as u64) as usize],
    );
}

fn write_device(event: &mut Event, random: &mut Random) {
    let (model, release, chrome) = (random.skewed(400), 10 + random.below(6), 110 + random.below(30));
    event.write_text(Text::UserAgent, |out| {
        let _ = write!(
            out,
            "Mozilla/5.0 (Linux; Android {release}; SM-G{model}) AppleWebKit/537.36 (KHTML, like Gecko) \
             Chrome/{chrome}.0.0.0 Mobile Safari/537.36"
        );
    });
    event.set_text(Text::BrowserName, "Chrome Mobile");
    event.set_text(Text::OsName, "Android");
    event.set_text(Text::DeviceType, if model % 7 == 0 { "tablet" } else { "mobile" });
    let mut coded = |column, prefix: &str, code: u64, end: &str| {
        event.write_text(column, |out| {
            let _ = write!(out, "{prefix}{code}{end}");
        });
    };
    coded(Text::BrowserVersion, "", chrome, ".0.0");
    coded(Text::OsVersion, "", release, "");
    coded(Text::DeviceModel, "SM-G", model, "");
    event.set_number(Number::IsBot, i64::from(random.chance(2)));
}

/// Of a hundred events eleven are rejected, and some of all are only watched.
fn write_verdict(event: &mut Event, random: &mut Random) {
    event.set_number(Number::MonitoringMode, i64::from(random.chance(5)));
    event.set_number(Number::ConfigVersion, 1);
    if !random.chance(11) {
        return event.set_status(Status::Approved);
    }
    let (reason, filter, field) = names::REASONS[random.skewed(names::REASONS.len() as u64) as usize];
    event.set_status(Status::Rejected);
    event.write_text(Text::Rejections, |out| {
        let _ = write!(out, "[\"{reason}\"]");
    });
    let observed = 2 + random.skewed(90);
    event.write_text(Text::Evidence, |out| {
        let _ = write!(
            out,
            "[{{\"reason\":\"{reason}\",\"filter\":\"{filter}\",\"field\":\"{field}\",\"observed\":{observed},\"threshold\":1}}]"
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const HISTORY: History =
        History { seed: 7, events: 20_000, days: 3, start: Timestamp::from_millis(1_767_225_600_000) };

    fn event(n: u64) -> Event {
        let mut event = Event::new(EventKind::Click, "abcdefghij".parse().unwrap());
        HISTORY.fill(n, event.integration, &mut event);
        event
    }

    #[test]
    fn an_event_is_a_function_of_the_seed_and_its_number() {
        let first = event(4711);
        let _ = event(12);
        assert_eq!(event(4711), first);
        let other = History { seed: 8, ..HISTORY };
        let mut changed = first.clone();
        other.fill(4711, first.integration, &mut changed);
        assert_ne!(changed, first);
    }

    #[test]
    fn the_days_are_filled_in_the_order_of_numbers_but_for_a_few_seconds() {
        let end = HISTORY.start.millis() + 3 * DAY_MS;
        let (mut latest, mut per_day) = (0, [0u32; 4]);
        for n in 0..HISTORY.events {
            let at = HISTORY.id(n).time().millis();
            assert!((HISTORY.start.millis()..end + JITTER_MS as i64).contains(&at), "{n}: {at}");
            assert!(at + JITTER_MS as i64 > latest, "{n} comes long before the one before it");
            latest = latest.max(at);
            per_day[((at - HISTORY.start.millis()) / DAY_MS) as usize] += 1;
        }
        assert!(per_day[..3].iter().all(|n| n.abs_diff(6667) < 20), "{per_day:?}");
    }

    #[test]
    fn a_conversion_names_a_click_that_is_there() {
        let clicks: std::collections::HashSet<String> = (0..HISTORY.events)
            .filter(|n| HISTORY.kind(*n) == EventKind::Click)
            .map(|n| HISTORY.id(n).to_string())
            .collect();
        let named = (1000..HISTORY.events)
            .filter(|n| HISTORY.kind(*n) == EventKind::Conversion)
            .map(|n| event(n).text(Text::ClickRealTxId).map(str::to_owned));
        let named: Vec<_> = named.collect();
        assert!(named.len() > 600, "{}", named.len());
        assert!(named.iter().all(|click| click.as_ref().is_some_and(|click| clicks.contains(click))));
    }
}
