//! What came of offering a click to a bidder.

use crate::Money;
use crate::facts::coded;

coded!(
    /// How an auction ended. The order is that of the numbers in stored rows, which begin at 1.
    AuctionOutcome {
        /// A bid won.
        Won = "won",
        /// The bidder did not want the click.
        NoBid = "no_bid",
        /// The answer did not come in time.
        Timeout = "timeout",
        /// The answer was none, or none to what was asked.
        Malformed = "malformed",
        /// The bidder could not be reached, or failed.
        Error = "error",
        /// Nobody was asked: too many auctions were under way.
        Busy = "busy",
    }
);

impl AuctionOutcome {
    /// Its number in stored rows.
    pub const fn number(self) -> i64 {
        self as i64 + 1
    }

    /// The outcome of a number in stored rows.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.iter().copied().find(|outcome| outcome.number() == number)
    }
}

/// An auction that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auction {
    /// How it ended.
    pub outcome: AuctionOutcome,
    /// How long it took, in milliseconds.
    pub millis: u32,
    /// What the winner pays, per thousand.
    pub price: Option<Money>,
    /// Where the winner wants the user.
    pub location: Option<String>,
}
