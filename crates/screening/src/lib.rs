//! Screening: compiles filter groups and judges events.
//!
//! [`Plan::judge`] is the one function that the gateway, imports, backtests, benches and the fuzzer call. It is pure
//! but for the counters handed to it: no I/O, no clock, no randomness; every fact it uses is a column of the event. A
//! filter type is one file in `filters/`; the [catalogue] made of them validates configurations
//! ([`validate`]) and describes itself as JSON Schema ([`catalogue_json_schema`]).

mod calendar;
pub mod catalogue;
mod condition;
mod counters;
mod explain;
mod facts;
pub mod feature;
pub mod filter;
mod filters;
mod flip;
mod folded;
mod languages;
mod matching;
mod overlaps;
pub mod params;
mod patterns;
mod plan;
mod presets;
mod report;
mod schema;
mod sources;
mod special;
mod sub_ids;
pub mod symbols;
mod verdict;
mod versions;
mod words;

pub use calendar::Period;
pub use catalogue::{CATALOGUE, FilterType, validate};
pub use counters::{Counters, SlotError, Tally};
pub use explain::{
    Bound, Explanation, FilterExplanation, FilterOutcome, GroupExplanation, GroupOutcome, Question,
};
pub use facts::is_base_conversion;
pub use filters::was_rejected;
pub use flip::{Change, Flip, Setting};
pub use overlaps::{Overlap, Overlaps, overlaps};
pub use plan::{Foreseen, KeySet, Plan};
pub use presets::{PRESETS, Preset};
pub use report::{Counted, DataFile, Look, Recorder, Report, Told, duration};
pub use schema::catalogue_json_schema;
pub use sources::{DataSource, DataSources, Topic};
pub use sub_ids::restore_sub_id;
pub use verdict::{Finding, MAX_EVIDENCE, Measure, Value, Verdict, Writer};
