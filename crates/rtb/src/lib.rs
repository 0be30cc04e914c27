//! Offering a rejected click to a bidder: an OpenRTB 2.6 request, its answer within the time there is, and the winner's
//! notices afterwards.
//!
//! Nobody waits here for longer than an integration allows, and whatever goes wrong is an outcome, never an error: the user
//! then goes to the fallback.

mod answer;
mod auctions;
mod bidders;
mod request;

pub use auctions::{AuctionStats, Auctions, Held, MAX_AUCTIONS};
pub use bidders::Bidders;
