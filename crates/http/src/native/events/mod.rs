//! What is told of one event beside its row.

pub(super) mod explanation;
mod filters;
mod groups;

pub use explanation::Explanation;
