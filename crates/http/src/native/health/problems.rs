//! The last warnings and errors of the process, for people who have no access to its log. Only the words of the program
//! itself are kept, no value that an event of the log carries: what is shown here names no person.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tollgate_domain::Timestamp;

/// How many are kept.
const KEPT: usize = 50;

/// A warning, or an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// When it was logged last.
    pub at: Timestamp,
    /// Whether it is an error; else it is a warning.
    pub is_error: bool,
    /// The part of the program.
    pub place: &'static str,
    /// What it says.
    pub message: String,
    /// How often it came since the start, or since it was forgotten.
    pub times: u64,
}

/// The newest of them.
#[derive(Debug, Default)]
pub struct Problems(Mutex<VecDeque<Problem>>);

impl Problems {
    /// Notes one that was logged. One that is there already counts once more.
    pub fn note(&self, at: Timestamp, is_error: bool, place: &'static str, message: String) {
        let mut kept = self.kept();
        let same = kept.iter().position(|one| one.place == place && one.message == message);
        let times = same.and_then(|at| kept.remove(at)).map_or(0, |one| one.times);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(Problem { at, is_error, place, message, times: times + 1 });
    }

    /// Those that are kept, the newest first.
    pub fn newest(&self) -> Vec<Problem> {
        self.kept().iter().rev().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Problem>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_equal_ones_are_counted() {
        let problems = Problems::default();
        let note = |second: i64, message: &str| {
            problems.note(Timestamp::from_millis(second * 1000), true, "here", message.to_owned());
        };
        (0..60).for_each(|n| note(n, &format!("problem {n}")));
        note(60, "problem 30");
        let newest = problems.newest();
        assert_eq!(newest.len(), KEPT);
        assert_eq!((newest[0].message.as_str(), newest[0].times), ("problem 30", 2));
        assert_eq!(newest[0].at, Timestamp::from_millis(60_000));
        assert_eq!(newest[KEPT - 1].message, "problem 10");
    }
}
