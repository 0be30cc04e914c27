//! Instants to the millisecond and calendar days, UTC.

use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z. Legal values lie in the years 1970 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// 10000-01-01T00:00:00Z.
const END: i64 = 253_402_300_800_000;
const DAY_MS: i64 = 86_400_000;

impl Timestamp {
    /// From milliseconds since the epoch; values outside the legal years are clamped.
    pub const fn from_millis(millis: i64) -> Self {
        Self(if millis < 0 {
            0
        } else if millis >= END {
            END - 1
        } else {
            millis
        })
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub const fn seconds(self) -> i64 {
        self.0 / 1000
    }

    /// The UTC day this instant lies in.
    pub const fn day(self) -> Day {
        Day((self.0 / DAY_MS) as i32)
    }

    /// This instant moved by `millis`, clamped to the legal years.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// RFC 3339, UTC, milliseconds, without allocating: `2026-11-22T02:21:44.000Z`.
    pub const fn encode(self) -> [u8; 24] {
        let mut out = *b"0000-00-00T00:00:00.000Z";
        let (year, month, day) = self.day().civil();
        let ms = self.0 % DAY_MS;
        let parts = [
            (year, 0, 4),
            (month, 5, 2),
            (day, 8, 2),
            (ms / 3_600_000, 11, 2),
            (ms / 60_000 % 60, 14, 2),
            (ms / 1000 % 60, 17, 2),
            (ms % 1000, 20, 3),
        ];
        let mut part = 0;
        while part < parts.len() {
            let (mut rest, start, length) = parts[part];
            let mut at = start + length;
            while at > start {
                at -= 1;
                out[at] = (b'0' as i64 + rest % 10) as u8;
                rest /= 10;
            }
            part += 1;
        }
        out
    }

    /// Parses the forms callers send: `YYYY-MM-DD hh:mm:ss` (UTC), RFC 3339, Unix seconds, Unix milliseconds.
    /// A whole number counts as milliseconds from 100,000,000,000 on (1973 in milliseconds, 5138 in seconds).
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        parse_number(text).or_else(|| parse_plain(text)).or_else(|| parse_rfc3339(text)).ok_or_else(|| {
            Invalid::new(
                field,
                "must be a time as YYYY-MM-DD hh:mm:ss (UTC), RFC 3339, Unix seconds or Unix milliseconds",
            )
        })
    }
}

fn legal(millis: i64) -> Option<Timestamp> {
    (0..END).contains(&millis).then_some(Timestamp(millis))
}

fn parse_number(text: &str) -> Option<Timestamp> {
    if text.is_empty() || text.len() > 15 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: i64 = text.parse().ok()?;
    legal(if number >= 100_000_000_000 { number } else { number * 1000 })
}

/// `YYYY-MM-DD hh:mm:ss`, the commonest form, without a general parser.
fn parse_plain(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; 19] = text.as_bytes().try_into().ok()?;
    if [bytes[4], bytes[7], bytes[10], bytes[13], bytes[16]] != *b"-- ::" {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        bytes[range]
            .iter()
            .try_fold(0i64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
    };
    let day = Day::from_civil(number(0..4)?, number(5..7)?, number(8..10)?)?;
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    legal(day.start().0 + (hour * 3600 + minute * 60 + second) * 1000)
}

fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let text = text.as_bytes();
    if text.len() < 20 || !matches!(text[10], b'T' | b't' | b' ') {
        return None;
    }
    let instant: jiff::Timestamp = std::str::from_utf8(text).ok()?.parse().ok()?;
    legal(instant.as_millisecond())
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.encode()).unwrap_or_default())
    }
}

/// A UTC calendar day, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(i32);

impl Day {
    /// The day that many days after 1970-01-01.
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// Days since 1970-01-01.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Its first instant in UTC.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_millis(self.0 as i64 * DAY_MS)
    }

    /// Its year, month and day.
    pub const fn civil(self) -> (i64, i64, i64) {
        // Days to civil date (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
        let z = self.0 as i64 + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
        (yoe + era * 400 + (month <= 2) as i64, month, day)
    }

    /// The day of a date of the proleptic Gregorian calendar, years 1970 to 9999.
    pub fn from_civil(year: i64, month: i64, day: i64) -> Option<Self> {
        let date =
            jiff::civil::Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?);
        let date = date.ok().filter(|_| (1970..=9999).contains(&year))?;
        let days = date.since(EPOCH).ok()?.get_days();
        Some(Self(days))
    }

    /// Parses `YYYY-MM-DD`.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        let refuse = || Invalid::new(field, "must be a date as YYYY-MM-DD, from 1970-01-01");
        let bytes = text.as_bytes();
        let number =
            |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<i64>().ok())?;
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' || !text.is_ascii() {
            return Err(refuse());
        }
        match (number(&text[..4]), number(&text[5..7]), number(&text[8..])) {
            (Some(year), Some(month), Some(day)) => Self::from_civil(year, month, day).ok_or_else(refuse),
            _ => Err(refuse()),
        }
    }

    /// The instants from the day's start to the next day's start in `zone`.
    pub fn in_zone(self, zone: &jiff::tz::TimeZone) -> Option<(Timestamp, Timestamp)> {
        let date = EPOCH.checked_add(jiff::Span::new().try_days(self.0).ok()?).ok()?;
        let start = |date: jiff::civil::Date| {
            date.to_zoned(zone.clone()).ok().map(|z| Timestamp::from_millis(z.timestamp().as_millisecond()))
        };
        Some((start(date)?, start(date.tomorrow().ok()?)?))
    }
}

const EPOCH: jiff::civil::Date = jiff::civil::Date::constant(1970, 1, 1);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_documented_forms_parse_to_the_same_instant() {
        for text in [
            "2017-11-07 09:30:38",
            "2017-11-07T09:30:38Z",
            "2017-11-07T10:30:38+01:00",
            "1510047038",
            "1510047038000",
        ] {
            assert_eq!(Timestamp::parse("click_time", text).unwrap().millis(), 1_510_047_038_000, "{text}");
        }
    }

    #[test]
    fn other_forms_are_refused_with_the_field() {
        for text in ["", "yesterday", "2017-13-01 00:00:00", "2017-02-29 00:00:00", "2017-11-07", "-5", "1e9"]
        {
            assert_eq!(Timestamp::parse("click_time", text).unwrap_err().field, "click_time", "{text}");
        }
    }

    #[test]
    fn days_print_what_they_parse() {
        for text in ["1970-01-01", "2000-02-29", "2026-11-22", "9999-12-31"] {
            assert_eq!(Day::parse("start_date", text).unwrap().to_string(), text);
        }
        assert_eq!(Timestamp::from_millis(1_510_047_038_007).to_string(), "2017-11-07T09:30:38.007Z");
        assert!(Day::parse("start_date", "2026-02-30").is_err());
        assert!(Day::parse("start_date", "2026-2-3").is_err());
    }

    #[test]
    fn a_day_in_a_zone_follows_its_clock_changes() {
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        let (start, end) = Day::parse("d", "2026-03-29").unwrap().in_zone(&zone).unwrap();
        assert_eq!(end.millis() - start.millis(), 23 * 3_600_000);
    }
}
