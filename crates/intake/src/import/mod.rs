//! History through the same screening: reads a file of events, judges them in the order of their times with counters of
//! their own, and stores what is not stored yet.
//!
//! The file is read twice: once to check every line and to learn the order, once to judge. So refused lines are known
//! before anything is stored, memory holds a few words for each line and never the lines, and a line is stored once,
//! however often its file is imported: its id is a hash of what it says.

mod combined;
mod csv_row;
mod index;
mod records;
mod request;
mod row;
mod run;
mod summary;

pub use request::{ConversionMap, Format, ImportMap, ImportRequest};
pub use run::run as import;
pub use summary::{Failed, ImportError, Observer, Phase, Progress, RefusedLine, Summary};

#[cfg(test)]
mod tests;
