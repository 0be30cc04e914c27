//! Work that takes its time, asked for by a request, by the clock or by what the ledger tells. It never speaks to callers
//! itself.

pub mod account;
pub mod analytics;
pub mod app_ads_txt;
mod changed;
mod events;
pub mod exports;
pub mod postbacks;
pub mod privacy;
pub mod retention;
mod room;
pub mod statement;

pub use changed::Changed;
