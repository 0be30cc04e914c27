//! The filter types, a file each, in the order of the design's table. What several of them need stands here.

macro_rules! catalogue {
    ($($name:ident),+ $(,)?) => {
        $(mod $name;)+

        /// Every filter type, in the order of the design's table.
        pub static CATALOGUE: &[&crate::catalogue::FilterType] = &[$(&$name::TYPE),+];
    };
}

catalogue!(
    signature,
    data_validation,
    sub_id_validity,
    device_id,
    bot,
    proxy,
    isp,
    geo,
    language,
    old_device,
    referrer,
    keyword,
    duplicate_user,
    click_flooding,
    click_capping,
    third_party_rejection,
    attribution,
    session_time,
    install_time,
    low_session_time,
    click_spam,
    conversion_rate,
    rejection_threshold,
    custom,
);

pub use rejection_threshold::was_rejected;

const _: () = assert!(CATALOGUE.len() <= 64, "abstentions are bits of one u64");

mod source;

use crate::params::{Choices, Params};
use tollgate_domain::Text;

/// What a level's name stands for.
const LEVELS: [(&str, Text); 4] = [
    ("offer", Text::OfferId),
    ("publisher", Text::Publisher),
    ("advertiser", Text::Advertiser),
    ("sub_id", Text::SubId),
];

/// The names of the levels.
const LEVEL_NAMES: &[&str] = &["offer", "publisher", "advertiser", "sub_id"];

/// A `level` parameter: what a counter is kept apart by.
const fn level(default: &'static [&'static str]) -> Choices {
    Choices {
        name: "level",
        default,
        options: LEVEL_NAMES,
        min_items: 0,
        about: "What is counted apart, beside the integration; any combination.",
    }
}

/// The columns of the chosen levels.
fn level_columns(params: &Params<'_>, level: &Choices) -> Vec<Text> {
    LEVELS.iter().filter(|(name, _)| params.chosen(level, name)).map(|(_, column)| *column).collect()
}
