//! Which combinations of keys are summed up.

use crate::group::Key;
use crate::query::{FieldRef, Predicate};
use tollgate_domain::{Column, Text};

/// A combination of keys by which events are summed up, beside integration, kind and slot. What a set is called stands in
/// the files: one with other keys is another set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Set {
    pub(crate) name: &'static str,
    /// Positions in [`DIMENSIONS`].
    pub(super) dimensions: &'static [usize],
}

/// Every key that any set has.
pub(super) const DIMENSIONS: [Key; 10] = [
    Key::Text(Text::AppId),
    Key::Text(Text::AdLocation),
    Key::Text(Text::AdType),
    Key::Text(Text::Country),
    Key::Text(Text::Campaign),
    Key::Text(Text::Creative),
    Key::Text(Text::Advertiser),
    Key::Text(Text::Publisher),
    Key::Text(Text::OfferId),
    Key::Rejection,
];

/// Keys that a set has at most.
pub(super) const MAX_DIMENSIONS: usize = 4;

/// The sets, those with fewer keys first: the first one that has what a question needs answers it.
pub(crate) const SETS: [Set; 5] = [
    Set { name: "reason", dimensions: &[7, 9] },
    Set { name: "market", dimensions: &[4, 3, 2] },
    Set { name: "source", dimensions: &[6, 7, 8] },
    Set { name: "app", dimensions: &[0, 1, 2, 3] },
    Set { name: "campaign", dimensions: &[0, 4, 5, 2] },
];

impl Set {
    /// Its keys, in the order they stand in.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> {
        self.dimensions.iter().map(|at| DIMENSIONS[*at])
    }

    /// The position of the first set that tells these keys apart and can be asked these predicates.
    pub(crate) fn covering(keys: &[Key], predicates: &[Predicate]) -> Option<usize> {
        SETS.iter().position(|set| set.has(keys, predicates))
    }

    fn has(&self, keys: &[Key], predicates: &[Predicate]) -> bool {
        let mut keys = keys.iter().filter(|key| !matches!(key, Key::Date | Key::Hour | Key::Integration));
        let needs = |predicate: &Predicate| match predicate.field {
            FieldRef::Stored(Column::Text(column)) => Some(Key::Text(column)),
            _ => None,
        };
        let of_anything = |predicate: &Predicate| {
            matches!(predicate.field, FieldRef::IntegrationId | FieldRef::Kind)
                || needs(predicate).is_some_and(|key| self.keys().any(|have| have == key))
        };
        keys.all(|key| self.keys().any(|have| have == *key)) && predicates.iter().all(of_anything)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_domain::EventKind;

    #[test]
    fn the_smallest_set_that_has_what_is_asked_answers() {
        let of = |keys: &[Key], field: Option<&str>| {
            let predicate = field.map(|name| Predicate::parse(EventKind::Click, name, None, "x").unwrap());
            let predicates: Vec<Predicate> = predicate.into_iter().collect();
            Set::covering(keys, &predicates).map(|at| SETS[at].name)
        };
        let text = Key::Text;
        assert_eq!(of(&[Key::Date, Key::Integration], None), Some("reason"));
        assert_eq!(of(&[Key::Date, text(Text::Country)], None), Some("market"));
        assert_eq!(of(&[text(Text::Country)], Some("app_id")), Some("app"));
        assert_eq!(of(&[text(Text::AppId), text(Text::Creative)], None), Some("campaign"));
        assert_eq!(of(&[Key::Rejection], Some("publisher")), Some("reason"));
        assert_eq!(of(&[Key::Rejection], Some("rejection")), None);
        assert_eq!(of(&[text(Text::SubId)], None), None);
        assert_eq!(of(&[text(Text::Publisher)], Some("country")), None);
        assert!(SETS.iter().all(|set| set.dimensions.len() <= MAX_DIMENSIONS));
    }
}
