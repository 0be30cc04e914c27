//! The review that decides whether an app may earn.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PublishingStatus {
    /// Nobody decided yet.
    Pending,
    /// It may earn.
    Approved,
    /// It may not.
    Rejected,
}

impl PublishingStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Approved, Self::Rejected];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Approved => "Approved",
            Self::Rejected => "Rejected",
        }
    }
}

/// An app's application to publish, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishingApplication {
    /// Where it stands.
    pub status: PublishingStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// `automatic_review`, or who decided.
    #[serde(default)]
    pub reviewed_by: Option<String>,
    /// When it was last decided.
    #[serde(default)]
    pub reviewed_at: Option<Timestamp>,
    /// What the reviewer wrote, up to 4,096 characters.
    #[serde(default)]
    pub reviewer_notes: String,
    /// A short code, there when rejected.
    #[serde(default)]
    pub reject_reason: Option<String>,
    /// A finer one.
    #[serde(default)]
    pub reject_detail: Option<String>,
    /// When it was rejected.
    #[serde(default)]
    pub rejected_at: Option<Timestamp>,
}

/// What a reviewer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may earn.
    Approve,
    /// It may not.
    Reject {
        /// A short code.
        reason: String,
        /// A finer one.
        detail: Option<String>,
    },
}

impl PublishingApplication {
    /// Who decides when the review is automatic.
    pub const AUTOMATIC: &'static str = "automatic_review";

    /// One that a person has to decide.
    pub fn pending(now: Timestamp) -> Self {
        Self {
            status: PublishingStatus::Pending,
            created_at: now,
            reviewed_by: None,
            reviewed_at: None,
            reviewer_notes: String::new(),
            reject_reason: None,
            reject_detail: None,
            rejected_at: None,
        }
    }

    /// One that was approved on the spot.
    pub fn automatic(now: Timestamp) -> Self {
        Self::pending(now).decided(Decision::Approve, Self::AUTOMATIC, String::new(), now)
    }

    /// This application after a decision, which replaces any earlier one.
    pub fn decided(&self, decision: Decision, by: &str, notes: String, now: Timestamp) -> Self {
        let decided = Self {
            reviewed_by: Some(by.to_owned()),
            reviewed_at: Some(now),
            reviewer_notes: notes,
            ..Self::pending(self.created_at)
        };
        match decision {
            Decision::Approve => Self { status: PublishingStatus::Approved, ..decided },
            Decision::Reject { reason, detail } => Self {
                status: PublishingStatus::Rejected,
                reject_reason: Some(reason),
                reject_detail: detail,
                rejected_at: Some(now),
                ..decided
            },
        }
    }
}
