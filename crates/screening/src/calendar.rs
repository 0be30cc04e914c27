//! Calendar periods: the hours, days, weeks and months that caps and rates begin anew with, in the integration's time
//! zone. A day is the report's day, so that a cap means what the report shows.

use jiff::tz::TimeZone;

/// A period of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// A clock hour. The hour that clocks repeat in autumn is two.
    Hour,
    /// A day, 23 to 25 hours long.
    Day,
    /// Monday to Sunday.
    Week,
    /// A month.
    Month,
}

impl Period {
    /// The names of all periods, the shortest first.
    pub const NAMES: &[&str] = &["hour", "day", "week", "month"];

    /// The period's name.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The period of a name; a day when there is none.
    pub fn from_name(name: &str) -> Self {
        match name {
            "hour" => Self::Hour,
            "week" => Self::Week,
            "month" => Self::Month,
            _ => Self::Day,
        }
    }

    /// The longest it can last, in minutes: a change of the clocks adds an hour.
    pub const fn longest_minutes(self) -> u32 {
        match self {
            Self::Hour => 60,
            Self::Day => 25 * 60,
            Self::Week => (7 * 24 + 1) * 60,
            Self::Month => (31 * 24 + 1) * 60,
        }
    }
}

/// The calendar of a time zone.
#[derive(Debug, Clone)]
pub(crate) struct Calendar(TimeZone);

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// 1970-01-01 was a Thursday.
const DAYS_AFTER_MONDAY: i64 = 3;

impl Calendar {
    /// The calendar of an IANA zone. Integrations are saved with known zones only; an unknown one reads as UTC.
    pub(crate) fn of(zone: &str) -> Self {
        Self(TimeZone::get(zone).unwrap_or(TimeZone::UTC))
    }

    /// Which period an instant (seconds since the epoch) lies in: seconds from the epoch to the period's beginning,
    /// absolute for hours and local for the others, where that is a different instant in each zone. Equal for all
    /// instants of a period and for no others.
    pub(crate) fn period(&self, period: Period, at: u32) -> u32 {
        // Every u32 is a legal instant.
        let instant = jiff::Timestamp::from_second(at.into()).unwrap_or_default();
        let offset = self.0.to_offset(instant);
        let local = i64::from(at) + i64::from(offset.seconds());
        let start = match period {
            Period::Hour => i64::from(at) - local.rem_euclid(HOUR),
            Period::Day => local - local.rem_euclid(DAY),
            Period::Week => {
                let monday = local + DAYS_AFTER_MONDAY * DAY;
                local - monday.rem_euclid(7 * DAY)
            }
            Period::Month => {
                let day_of_month = i64::from(offset.to_datetime(instant).day());
                local - local.rem_euclid(DAY) - (day_of_month - 1) * DAY
            }
        };
        u32::try_from(start.max(0)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_domain::Timestamp;

    fn seconds(text: &str) -> u32 {
        Timestamp::parse("at", text).unwrap().seconds() as u32
    }

    /// Whether both instants lie in the same hour, day, week, month.
    fn same(zone: &str, a: &str, b: &str) -> [bool; 4] {
        let calendar = Calendar::of(zone);
        [Period::Hour, Period::Day, Period::Week, Period::Month]
            .map(|period| calendar.period(period, seconds(a)) == calendar.period(period, seconds(b)))
    }

    #[test]
    fn periods_are_those_of_the_zone() {
        let [yes, no] = [true, false];
        for (zone, a, b, expected) in [
            ("UTC", "2026-11-22T10:00:00Z", "2026-11-22T10:59:59Z", [yes, yes, yes, yes]),
            ("UTC", "2026-11-22T10:59:59Z", "2026-11-22T11:00:00Z", [no, yes, yes, yes]),
            ("UTC", "2026-11-22T23:59:59Z", "2026-11-23T00:00:00Z", [no, no, no, yes]),
            ("UTC", "2026-11-23T00:00:00Z", "2026-11-29T23:59:59Z", [no, no, yes, yes]),
            ("UTC", "2026-11-30T12:00:00Z", "2026-12-01T12:00:00Z", [no, no, yes, no]),
            ("UTC", "2026-11-22T12:00:00Z", "2025-11-22T12:00:00Z", [no, no, no, no]),
            // Midnight in Berlin is 23:00 UTC in winter and 22:00 UTC in summer.
            ("Europe/Berlin", "2026-01-10T22:59:59Z", "2026-01-10T23:00:00Z", [no, no, yes, yes]),
            ("Europe/Berlin", "2026-07-10T21:59:59Z", "2026-07-10T22:00:00Z", [no, no, yes, yes]),
            ("Europe/Berlin", "2026-07-10T22:00:00Z", "2026-07-11T21:59:59Z", [no, yes, yes, yes]),
            ("Europe/Berlin", "2026-07-31T21:59:59Z", "2026-07-31T22:00:00Z", [no, no, yes, no]),
            // Clocks go back on 25 October: two o'clock comes twice, and the day has 25 hours.
            ("Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", [no, yes, yes, yes]),
            ("Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", [no, yes, yes, yes]),
            // A quarter past: hours of Kathmandu begin there.
            ("Asia/Kathmandu", "2026-11-22T10:14:59Z", "2026-11-22T10:15:00Z", [no, yes, yes, yes]),
            ("America/Los_Angeles", "2026-11-23T07:59:59Z", "2026-11-23T08:00:00Z", [no, no, no, yes]),
        ] {
            assert_eq!(same(zone, a, b), expected, "{zone} {a} {b}");
        }
    }

    #[test]
    fn the_ends_of_time_have_periods() {
        for zone in ["UTC", "America/Los_Angeles", "Pacific/Kiritimati", "Nowhere/Land"] {
            for period in [Period::Hour, Period::Day, Period::Week, Period::Month] {
                let calendar = Calendar::of(zone);
                assert!(calendar.period(period, 0) <= 14 * 3600, "{zone} {period:?}");
                assert!(calendar.period(period, u32::MAX) > u32::MAX - 33 * 86_400, "{zone} {period:?}");
                assert_eq!(Period::from_name(period.name()), period);
            }
        }
    }
}
