//! Outgoing postbacks over a real catalog and a real ledger, sent to real receivers on this machine.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod due;
mod fairness;
mod home;
mod meanwhile;
mod safety;
mod sending;
