//! The history: every event that was acknowledged, once, in the order it was judged.
//!
//! A durable log takes rows and syncs them in groups; open rows are sealed into Parquet segments in the background;
//! queries read both through one [`View`]. Arrow and Parquet stay inside this crate. docs/FORMATS.md holds the bytes,
//! docs/ARCHITECTURE.md the invariants L1 to L6.

pub mod disk;
pub mod log;
pub mod row;
#[cfg(any(test, feature = "testing"))]
pub mod sim;
