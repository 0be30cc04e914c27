//! The order of a file's events: a few words for each, sorted by event time and then by line.

use super::records::Place;
use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;
use tollgate_domain::{EventKind, IntegrationId, Timestamp, TxId};

/// Which of a line's events an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The line itself.
    Line,
    /// The conversion that the line makes beside its click.
    Conversion,
}

/// One event of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// When it is judged: its own time; a conversion's is never before its click's.
    pub(super) at: Timestamp,
    /// Where its line stands.
    pub(super) place: Place,
    /// Which of the line's events it is.
    pub(super) part: Part,
    /// How many lines before this one are the same. Until [`order`] has run: a hash of the line.
    pub(super) ordinal: u64,
}

/// A hash that tells lines apart. Two lines that collide are numbered as if they were equal, which is harmless: their
/// ids are hashes of what they say.
pub(super) fn fingerprint(line: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(line);
    hasher.finish()
}

/// Numbers equal lines and brings the events into the order in which they are judged.
pub(super) fn order(entries: &mut [Entry]) {
    entries.sort_unstable_by_key(|entry| (entry.ordinal, entry.place.line));
    let mut last: Option<(u64, u64, u64)> = None;
    for entry in entries.iter_mut() {
        let (hash, line) = (entry.ordinal, entry.place.line);
        entry.ordinal = match last {
            Some((before, same_line, ordinal)) if before == hash => ordinal + u64::from(same_line != line),
            _ => 0,
        };
        last = Some((hash, line, entry.ordinal));
    }
    entries.sort_unstable_by_key(|entry| (entry.at, entry.place.line, entry.part));
}

/// The id of a line's event: its time, and a hash over integration, kind, the line and its ordinal among equal ones.
pub(super) fn identity(
    integration: IntegrationId,
    kind: EventKind,
    time: Timestamp,
    line: &[u8],
    ordinal: u64,
) -> TxId {
    let mut hasher = Sha256::new();
    hasher.update(integration.as_bytes());
    hasher.update([kind as u8]);
    hasher.update((line.len() as u64).to_le_bytes());
    hasher.update(line);
    hasher.update(ordinal.to_le_bytes());
    let digest = hasher.finalize();
    let hash = digest.iter().take(16).fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
    TxId::new(time, hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: i64, line: u64, part: Part, text: &str) -> Entry {
        let place = Place { offset: 0, length: 0, line };
        Entry { at: Timestamp::from_millis(at), place, part, ordinal: fingerprint(text.as_bytes()) }
    }

    #[test]
    fn equal_lines_are_numbered_and_all_are_in_time_order() {
        let mut entries = [
            entry(9, 1, Part::Line, "a"),
            entry(5, 2, Part::Line, "b"),
            entry(5, 3, Part::Conversion, "a"),
            entry(5, 3, Part::Line, "a"),
            entry(1, 4, Part::Line, "a"),
        ];
        order(&mut entries);
        let seen: Vec<_> = entries.iter().map(|e| (e.place.line, e.part, e.ordinal)).collect();
        let expected = [
            (4, Part::Line, 2),
            (2, Part::Line, 0),
            (3, Part::Line, 1),
            (3, Part::Conversion, 1),
            (1, Part::Line, 0),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_identity_depends_on_everything_it_is_made_of() {
        let (one, other): (IntegrationId, IntegrationId) =
            ("abcdefghij".parse().unwrap(), "bcdefghijk".parse().unwrap());
        let time = Timestamp::from_millis(1_700_000_000_000);
        let id = identity(one, EventKind::Click, time, b"x", 0);
        assert_eq!(id, identity(one, EventKind::Click, time, b"x", 0));
        assert_eq!(id.time(), time);
        for different in [
            identity(other, EventKind::Click, time, b"x", 0),
            identity(one, EventKind::Conversion, time, b"x", 0),
            identity(one, EventKind::Click, time, b"y", 0),
            identity(one, EventKind::Click, time, b"x", 1),
        ] {
            assert_ne!(id, different);
        }
    }
}
