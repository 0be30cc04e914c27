//! What each parameter name means, in one table: columns, their other names, and wishes. Looked up for every parameter
//! of every event, hence by hash.

use crate::signature;
use hashbrown::HashMap;
use std::sync::LazyLock;
use tollgate_domain::{EventKind, Number, Text};

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A text column.
    Text(Text),
    /// A number column.
    Number(Number),
    /// The user's address.
    Ip,
    /// The time of the event itself for this kind; the column of the same name, if any, for others.
    OwnTime(EventKind, Option<Number>),
    /// Something the caller wants done.
    Wish(Wish),
}

/// See [`crate::Wishes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    NoRedirect,
    Json,
    Fields,
    FilterGroup,
    RedirectUrl,
    TransactionId,
    EventKey,
    Signature,
    SignedAt,
}

static TARGETS: LazyLock<HashMap<&'static str, Target>> = LazyLock::new(|| {
    let texts = Text::ALL.iter().filter(|column| column.is_given()).map(|c| (c.name(), Target::Text(*c)));
    let numbers =
        Number::ALL.iter().filter(|column| column.is_given()).map(|c| (c.name(), Target::Number(*c)));
    // Later entries replace earlier ones of the same name.
    texts.chain(numbers).chain(OTHERS.iter().copied()).collect()
});

const OTHERS: &[(&str, Target)] = &[
    ("offer", Target::Text(Text::OfferId)),
    ("ip", Target::Ip),
    ("click_ip", Target::Ip),
    ("conversion_ip", Target::Ip),
    ("impression_ip", Target::Ip),
    ("click_time", Target::OwnTime(EventKind::Click, Some(Number::ClickTime))),
    ("conversion_time", Target::OwnTime(EventKind::Conversion, None)),
    ("impression_time", Target::OwnTime(EventKind::Impression, None)),
    ("no_redirect", Target::Wish(Wish::NoRedirect)),
    ("json", Target::Wish(Wish::Json)),
    ("fields", Target::Wish(Wish::Fields)),
    ("filter_group", Target::Wish(Wish::FilterGroup)),
    ("redirect_url", Target::Wish(Wish::RedirectUrl)),
    ("transaction_id", Target::Wish(Wish::TransactionId)),
    ("event_key", Target::Wish(Wish::EventKey)),
    (signature::SIGNATURE, Target::Wish(Wish::Signature)),
    (signature::SIGNED_AT, Target::Wish(Wish::SignedAt)),
];

/// Where the parameter `name` goes for events of `kind`; `None` is an extra parameter.
pub(crate) fn of(name: &str, kind: EventKind) -> Option<Target> {
    let target = *TARGETS.get(name)?;
    let has = |kinds: &[EventKind]| kinds.contains(&kind);
    match target {
        Target::Text(column) => has(column.kinds()).then_some(target),
        Target::Number(column) => has(column.kinds()).then_some(target),
        Target::OwnTime(own, _) if own == kind => Some(Target::Number(Number::RequestTime)),
        Target::OwnTime(_, other) => other.filter(|column| has(column.kinds())).map(Target::Number),
        Target::Ip | Target::Wish(_) => Some(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_what_its_kind_says() {
        use EventKind::{Click, Conversion, Impression};
        assert_eq!(of("click_time", Click), Some(Target::Number(Number::RequestTime)));
        assert_eq!(of("click_time", Conversion), Some(Target::Number(Number::ClickTime)));
        assert_eq!(of("click_time", Impression), None);
        assert_eq!(of("conversion_time", Conversion), Some(Target::Number(Number::RequestTime)));
        assert_eq!(of("event_id", Click), None);
        assert_eq!(of("offer", Click), of("offer_id", Click));
        assert_eq!(of("status", Click), None, "what is judged here cannot be sent");
        assert_eq!(of("country", Click), None);
    }
}
