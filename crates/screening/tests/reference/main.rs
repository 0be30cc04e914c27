//! Every filter against a naive reference that keeps every event in a list, over random streams of events with
//! out-of-order and duplicate times. [`harness::check`] also restarts in the middle and folds stored rows again, so
//! that neither may change a verdict or a counter.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

#[path = "../common/mod.rs"]
mod common;
mod conditions;
mod counting;
mod explained;
mod facts;
mod harness;
mod lists;
mod sources;
