//! The signals directory: finding its files, noticing changes, parsing, keeping the last good version of each.

mod files;
mod licence;
mod load;

pub(crate) use files::{Found, scan};
pub(crate) use load::{Data, Loaded, load};
