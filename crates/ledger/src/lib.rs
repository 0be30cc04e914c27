//! The history: every event that was acknowledged, once, in the order it was judged.
//!
//! A durable log takes rows and syncs them in groups; open rows are sealed into Parquet segments in the background;
//! queries read both through one [`View`]. Arrow and Parquet stay inside this crate. docs/FORMATS.md holds the bytes,
//! docs/ARCHITECTURE.md the invariants L1 to L6.

mod amendments;
mod among;
mod books;
mod carried;
mod conditions;
#[cfg(any(test, feature = "testing"))]
pub mod contract;
mod decompress;
mod delete;
pub mod disk;
pub mod earlier;
mod erase;
mod expired;
pub mod export;
mod fence;
mod find;
pub mod group;
mod inspect;
mod ledger;
pub mod log;
mod manifest;
mod merge;
mod merge_plan;
mod near;
pub mod open;
mod overlays;
mod pending;
pub mod publish;
pub mod query;
mod recovery;
pub mod rollup;
pub mod row;
pub mod scan;
mod seal;
pub mod segment;
mod seq_scan;
#[cfg(any(test, feature = "testing"))]
pub mod sim;
mod sweep;
mod threads;
pub mod view;

pub use carried::Carried;
pub use delete::{Deleted, DeletedRows, Deletion};
pub use expired::Expired;
pub use fence::Deletions;
pub use inspect::Inspection;
pub use ledger::{End, Ledger, LedgerError, LedgerStats, Options, Promise, ROW_OVERHEAD};
pub use merge::Merged;
pub use pending::Refused;
pub use recovery::Opened;
pub use seal::Sealed;
pub use seq_scan::{Record, SeqScan};
pub use threads::{OnFatal, Running, set_idle_priority};
#[cfg(test)]
mod view_tests;
