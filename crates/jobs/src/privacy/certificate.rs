//! What a certificate says, and what names a person.

use super::Request;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::IpAddr;
use tollgate_domain::{Day, EventKind, IntegrationId, Invalid, Text, Timestamp};
use tollgate_ledger::Deleted;

/// Most characters of an identifier.
const LONGEST: usize = 2048;
/// What no deletion in the ledger reaches. docs/PRIVACY.md says more on each.
const NOT_REACHED: &[&str] = &[
    "Copies of the data directory, and files that were downloaded or written by commands before.",
    "Postbacks that are waiting to be sent, or that the log of deliveries keeps, until it forgets them.",
    "Results of jobs of reports, which are removed an hour after they were made.",
    "Screening counters: keyed hashes that age out with the windows of the filters that use them.",
    "Events without the identifier: a conversion that was told without it, an address that was stored truncated.",
    "Events of integrations that were deleted.",
];

/// What an identifier is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierKind {
    /// The advertising id of a device.
    DeviceId,
    /// An IP address.
    Ip,
    /// The caller's id of the user, which events have as `uuid`.
    UserId,
    /// The caller's id of an event of the person.
    ExternalTransactionId,
}

impl IdentifierKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::DeviceId, Self::Ip, Self::UserId, Self::ExternalTransactionId];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeviceId => "device_id",
            Self::Ip => "ip",
            Self::UserId => "user_id",
            Self::ExternalTransactionId => "external_transaction_id",
        }
    }

    /// The column that has it.
    pub(super) const fn column(self) -> Text {
        match self {
            Self::DeviceId => Text::DeviceId,
            Self::Ip => Text::Ip,
            Self::UserId => Text::Uuid,
            Self::ExternalTransactionId => Text::ExternalTransactionId,
        }
    }
}

/// What names a person: as events have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    pub(super) kind: IdentifierKind,
    pub(super) text: String,
}

impl Identifier {
    /// Checks an identifier; an address is brought into the form that events have.
    pub fn new(kind: IdentifierKind, text: &str) -> Result<Self, Invalid> {
        let wrong = |message: &str| Err(Invalid::new(kind.name(), message));
        if text.is_empty() || text.chars().count() > LONGEST {
            return wrong("must have 1 to 2048 characters");
        }
        if kind != IdentifierKind::Ip {
            return Ok(Self { kind, text: text.to_owned() });
        }
        match text.trim().parse::<IpAddr>() {
            Ok(address) => Ok(Self { kind, text: address.to_canonical().to_string() }),
            Err(_) => wrong("must be an IP address"),
        }
    }
}

/// What was deleted at someone's request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Its id: 32 hexadecimal digits.
    pub id: String,
    /// When it was asked for.
    pub requested_at: String,
    /// From when on no reader saw the events; absent when the deletion did not come to its end: ask again.
    pub completed_at: Option<String>,
    /// Who asked.
    pub requested_by: String,
    /// What kind of identifier named the person.
    pub identifier_kind: IdentifierKind,
    /// SHA-256 over the certificate's id, a colon and the identifier, in hexadecimal digits.
    pub identifier_sha256: String,
    /// The integrations that were looked through.
    pub integration_ids: Vec<String>,
    /// Every event with a seq up to this one was looked at.
    pub through_seq: u64,
    /// How many events were deleted.
    pub deleted_events: u64,
    /// The same by integration and kind.
    pub deleted: Vec<DeletedDays>,
    /// The files.
    pub files: Files,
    /// What the deletion did not reach.
    pub not_reached: Vec<String>,
}

/// Deleted events of one integration and kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedDays {
    /// The integration.
    pub integration_id: String,
    /// `click`, `conversion` or `impression`.
    pub kind: String,
    /// The UTC day of the oldest.
    pub first_day: String,
    /// The UTC day of the newest.
    pub last_day: String,
    /// How many.
    pub events: u64,
}

/// What became of the files that had the events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// How many were dropped at once, because they had nothing else.
    pub dropped: u64,
    /// How many are written again without them.
    pub rewritten: u64,
    /// Those of these that still have to be: they are merged before any others.
    pub pending: Vec<String>,
    /// Whether files of the log are still to be given up; they are, once counters are in a checkpoint.
    pub log_pending: bool,
    /// How many files of exports were removed; exports of the same kind can be asked for again.
    pub exports: u64,
}

impl Certificate {
    /// That of a deletion that begins.
    pub(super) fn begin(id: String, requested: Timestamp, request: &Request) -> Self {
        let identifier = &request.identifier;
        Self {
            identifier_sha256: hashed(&id, &identifier.text),
            id,
            requested_at: requested.to_string(),
            completed_at: None,
            requested_by: request.actor.to_string(),
            identifier_kind: identifier.kind,
            integration_ids: request.integrations.iter().map(ToString::to_string).collect(),
            through_seq: 0,
            deleted_events: 0,
            deleted: Vec::new(),
            files: Files::default(),
            not_reached: NOT_REACHED.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    /// Says when everything was done, and how many files of exports went.
    pub(super) fn finish(&mut self, at: Timestamp, exports: u64) {
        self.completed_at = Some(at.to_string());
        self.files.exports = exports;
    }

    /// Says which events were deleted.
    pub(super) fn note(&mut self, deleted: &Deleted) {
        self.through_seq = deleted.through;
        let mut days: BTreeMap<(IntegrationId, EventKind), (Day, Day, u64)> = BTreeMap::new();
        for rows in &deleted.rows {
            let of_kind = days.entry((rows.integration, rows.kind)).or_insert((rows.day, rows.day, 0));
            *of_kind = (of_kind.0.min(rows.day), of_kind.1.max(rows.day), of_kind.2 + rows.rows);
        }
        let days = days.into_iter().map(|((integration, kind), (first, last, events))| DeletedDays {
            integration_id: integration.to_string(),
            kind: kind.name().to_owned(),
            first_day: first.to_string(),
            last_day: last.to_string(),
            events,
        });
        self.deleted = days.collect();
        self.deleted_events = self.deleted.iter().map(|days| days.events).sum();
        self.files = Files {
            dropped: deleted.dropped,
            rewritten: deleted.pending.len() as u64,
            pending: deleted.pending.clone(),
            log_pending: false,
            exports: 0,
        };
    }
}

/// The identifier's hash in the certificate `id`: of no use to find the same person in another certificate.
fn hashed(id: &str, identifier: &str) -> String {
    let digest = Sha256::digest(format!("{id}:{identifier}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
