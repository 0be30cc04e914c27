//! Days and hours in a time zone. The offset is looked up once for all times between two changes of the clock.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tollgate_domain::Day;

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

pub(crate) struct Clock<'z> {
    zone: &'z TimeZone,
    /// Times that have the offset, in milliseconds, and the offset.
    known: std::ops::Range<i64>,
    offset: i64,
}

impl<'z> Clock<'z> {
    pub(crate) fn new(zone: &'z TimeZone) -> Self {
        Self { zone, known: 0..0, offset: 0 }
    }

    /// The day and the hour that the clock shows at a time.
    #[inline]
    pub(crate) fn at(&mut self, millis: i64) -> (Day, u8) {
        if !self.known.contains(&millis) {
            self.look_up(millis);
        }
        let local = millis + self.offset;
        (Day::from_number(local.div_euclid(DAY_MS) as i32), (local.rem_euclid(DAY_MS) / HOUR_MS) as u8)
    }

    fn look_up(&mut self, millis: i64) {
        // Times of events lie in the years 1970 to 9999.
        let at = Timestamp::from_millisecond(millis).unwrap_or_default();
        self.offset = i64::from(self.zone.to_offset(at).seconds()) * 1000;
        let next = self.zone.following(at).next();
        let end = next.map_or(i64::MAX, |change| change.timestamp().as_millisecond());
        self.known = millis..end.max(millis + 1);
    }
}
