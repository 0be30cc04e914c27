//! When a delivery that failed is tried again.

use tollgate_domain::{Entropy, Timestamp};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// How long a delivery is tried, from the moment it was due first.
const PATIENCE: i64 = 24 * HOUR;
/// How often it is tried at least: as often as the longest pauses allow within that time. A clock that jumps ahead ends
/// nothing, neither does a process that was not running.
const FEWEST: usize = 28;

/// When a delivery that failed `failures` times (at least once), just now, is tried again; `None` when that would be
/// later than a day after it was due first and it was tried often enough. The pauses double from between one and two
/// minutes to between half an hour and an hour; each is drawn from the upper half of its range, so that what failed
/// together does not come back together.
pub(super) fn next_attempt(
    began_at: Timestamp,
    now: Timestamp,
    failures: usize,
    entropy: &dyn Entropy,
) -> Option<Timestamp> {
    let doublings = u32::try_from(failures).unwrap_or(u32::MAX).min(6);
    let longest = (MINUTE << doublings).min(HOUR);
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    let pause = longest / 2 + longest / 2 * i64::from(u32::from_le_bytes(bytes)) / i64::from(u32::MAX);
    let at = now.plus_millis(pause);
    (failures < FEWEST || at <= began_at.plus_millis(PATIENCE)).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(u8);

    impl Entropy for Always {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn pauses_double_from_a_minute_to_an_hour_and_end_after_a_day() {
        let began = Timestamp::from_millis(1_700_000_000_000);
        for (drawn, first, last) in [(0, MINUTE, HOUR / 2), (255, 2 * MINUTE, HOUR)] {
            let mut pauses = Vec::new();
            let mut now = began;
            while let Some(next) = next_attempt(began, now, pauses.len() + 1, &Always(drawn)) {
                pauses.push(next.millis() - now.millis());
                now = next;
            }
            assert_eq!((pauses[0], pauses[1]), (first, 2 * first));
            assert_eq!(pauses.last(), Some(&last));
            assert!(pauses.is_sorted());
            assert!(pauses.len() + 1 >= FEWEST && (drawn == 0 || pauses.len() + 1 == FEWEST));
            let tried = now.millis() - began.millis();
            assert!((PATIENCE - last..=PATIENCE).contains(&tried), "{tried}");
        }
        let late = began.plus_millis(PATIENCE);
        assert!(next_attempt(began, late, FEWEST - 1, &Always(0)).is_some(), "however late");
        assert_eq!(next_attempt(began, late, FEWEST, &Always(0)), None);
        assert!(next_attempt(began, began, usize::MAX, &Always(0)).is_some());
    }
}
