//! From parameters to a stored verdict: the one path that the gateway, NDJSON and imports share.
//!
//! Admission, signals, judgement, ledger, in this order, without HTTP and without an async runtime. What can refuse an
//! event refuses it before it is judged; after that nothing but the death of the process can fail it.

mod amend;
mod attribution;
mod checkpoint;
mod destination;
mod draft;
mod explain;
#[cfg(test)]
mod explain_tests;
mod extra;
mod import;
mod intake;
mod json;
mod keys;
mod live;
mod lookup;
mod parameters;
mod pricing;
mod prior;
mod recent;
mod redirect;
mod rejection;
#[cfg(test)]
mod rejection_tests;
mod rejudge;
mod shard;
pub mod signature;
mod target;
#[cfg(test)]
mod test_house;
mod traffic;
#[cfg(test)]
mod traffic_tests;
mod waterfall;
mod worker;
#[cfg(test)]
mod worker_tests;

pub use amend::GivenBy;
pub use attribution::is_of_click;
pub use checkpoint::CheckpointError;
pub use destination::MAX_LOCATION;
pub use draft::{Draft, MAX_AHEAD_MS, MAX_ERRORS, MAX_LONG_VALUE, MAX_VALUE, Wishes};
pub use explain::{Effort, ExplainError, Explained};
pub use extra::MAX_EXTRA;
pub use import::{
    ConversionMap, Failed, Format, ImportError, ImportMap, ImportRequest, Observer, Phase, Progress,
    RefusedLine, Summary, import,
};
pub use intake::{Intake, IntakeError, IntakeOptions, IntakeStats, Parts};
pub use json::set_from_json;
pub use live::{Live, LiveIntegration};
pub use lookup::{History, Lookup};
pub use parameters::Parameters;
pub use redirect::Redirect;
pub use rejection::Rejection;
pub use rejudge::{Difference, RejudgeError, Rejudged};
pub use worker::{Judged, Outcome, Worker};
