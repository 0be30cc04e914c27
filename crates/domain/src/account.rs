//! An organization's account: what was paid to it and by it, beside what events earn and cost.

use crate::{Invalid, Money, check_line};
use serde::{Deserialize, Serialize};

/// What an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Earnings were paid out.
    Payout,
    /// An advertiser paid in.
    Deposit,
    /// Earnings became funds for campaigns.
    Transfer,
}

impl EntryKind {
    /// Every kind with its name on the wire.
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("payout", Self::Payout), ("deposit", Self::Deposit), ("transfer", Self::Transfer)];

    /// Those that an organization may enter itself: whoever runs Tollgate says what was paid.
    pub const OF_CALLERS: &'static [(&'static str, Self)] = &[("transfer", Self::Transfer)];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Payout => "payout",
            Self::Deposit => "deposit",
            Self::Transfer => "transfer",
        }
    }

    /// Whether it takes from what was earned.
    pub const fn takes_earnings(self) -> bool {
        matches!(self, Self::Payout | Self::Transfer)
    }
}

/// An entry. It is never changed and never deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountEntry {
    /// Its id.
    pub id: String,
    /// What it says.
    pub kind: EntryKind,
    /// How much; above zero.
    pub amount: Money,
    /// What people say about it, such as a bank's reference.
    #[serde(default)]
    pub note: Option<String>,
}

impl AccountEntry {
    /// The most of one entry: a billion dollars.
    pub const MOST: Money = Money::from_micros(1_000_000_000_000_000);

    /// What breaks the rules of an entry.
    pub fn check(&self) -> Vec<Invalid> {
        let mut wrong = Vec::new();
        if self.amount <= Money::default() || self.amount > Self::MOST {
            wrong.push(Invalid::new("amount", "must be above 0 and at most 1000000000"));
        }
        wrong.extend(self.note.as_deref().and_then(|note| check_line("note", note, 255).err()));
        wrong
    }
}
