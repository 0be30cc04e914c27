//! The sweep: all rows of a query, read by several threads over disjoint ranges of ids ("strips"), oldest first.
//!
//! A strip's rows come as columns, each source's by itself: a segment's stretch as it is stored, with texts as codes of a
//! dictionary, and open rows as events. Predicates, the cut and amendments are applied before anyone sees a row. Few strips
//! are in memory at a time, however slow whoever takes the results is.

mod filter;
mod part;
mod plan;
mod run;
#[cfg(test)]
mod tests;

pub(crate) use part::{Part, Stored, Strip};
pub(crate) use run::{Worker, run};

/// Rows that a strip has, or not many more; few in tests, so that these have many strips.
const STRIP_ROWS: u64 = if cfg!(test) { 16 } else { 65_536 };
/// Bytes that what is read of a strip's rows has, or a page of rows more.
const STRIP_BYTES: u64 = if cfg!(test) { 32 << 10 } else { 64 << 20 };
