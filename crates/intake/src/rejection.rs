//! A late rejection, or a third party's word, about a conversion that was judged before.

use crate::amend::{GivenBy, Said, room};
use crate::draft::{MAX_VALUE, limited, once, parsed};
use crate::lookup::Seen;
use crate::parameters::Parameters;
use crate::prior::{Asked, Prior};
use tollgate_domain::{Event, IntegrationId, Invalid, Text, Timestamp, TxId, check_line};

/// Longest reason to reject, in characters.
const MAX_REASON: usize = 128;

/// The parameters that a rejection knows, all of them texts.
const NAMES: [&str; 6] = [
    "transaction_id",
    "external_transaction_id",
    "new_rejected_reason",
    "third_party_status",
    "third_party_rejected_reason",
    "event_key",
];

/// What a caller says later of a conversion.
#[derive(Debug)]
pub struct Rejection {
    pub(crate) integration: IntegrationId,
    /// Idempotency key.
    pub event_key: Option<String>,
    /// Hash of the request, to tell an equal retry from another request under the same key.
    pub body_hash: i64,
    /// Who speaks.
    pub given_by: GivenBy,
    transaction_id: Option<TxId>,
    external: Option<String>,
    reason: Option<String>,
    status: Option<String>,
    status_reason: Option<String>,
    pub(crate) key: u128,
    pub(crate) arrival: Timestamp,
    pub(crate) seen: Seen,
    pub(crate) prior: Prior,
    errors: Vec<Invalid>,
}

impl Rejection {
    /// One about a conversion of `integration` that says nothing yet.
    pub fn new(integration: IntegrationId, given_by: GivenBy) -> Self {
        Self {
            integration,
            event_key: None,
            body_hash: 0,
            given_by,
            transaction_id: None,
            external: None,
            reason: None,
            status: None,
            status_reason: None,
            key: 0,
            arrival: Timestamp::from_millis(0),
            seen: Seen::default(),
            prior: Prior::default(),
            errors: Vec::new(),
        }
    }

    /// Checks that it says what it is about, and something of it. Errors are all problems found since the start.
    pub fn finish(&mut self, now: Timestamp) -> Result<(), Vec<Invalid>> {
        self.arrival = now;
        if self.transaction_id.is_none() && self.external.is_none() {
            let message = "a rejection needs transaction_id or external_transaction_id";
            self.errors.push(Invalid::new("transaction_id", message));
        }
        if self.reason.is_none() && self.status.is_none() && self.status_reason.is_none() {
            let message = "is required, or third_party_status or third_party_rejected_reason";
            self.errors.push(Invalid::new("new_rejected_reason", message));
        }
        if self.errors.is_empty() { Ok(()) } else { Err(std::mem::take(&mut self.errors)) }
    }

    /// The conversion it is about, as it is now; `None` when there is none.
    pub fn conversion(&self) -> Option<&Event> {
        self.prior.same.as_deref()
    }

    /// Bytes of text to be promised room for.
    pub fn text_bytes(&self) -> usize {
        let said = [&self.reason, &self.status, &self.status_reason];
        let said: usize = said.into_iter().flatten().map(String::len).sum();
        2 * said + self.prior.same.as_deref().map_or(0, room)
    }

    pub(crate) fn asked(&self) -> Asked {
        match (self.transaction_id, &self.external) {
            (Some(id), _) => Asked::Id(id),
            (None, external) => {
                Asked::External { id: external.clone().unwrap_or_default(), now: self.arrival }
            }
        }
    }

    pub(crate) fn said(&self) -> Said<'_> {
        Said {
            reject: self.reason.as_deref().map(|reason| (reason, self.given_by)),
            third_party: [
                (Text::ThirdPartyStatus, self.status.as_deref()),
                (Text::ThirdPartyRejectedReason, self.status_reason.as_deref()),
            ],
            key: self.key,
            body_hash: self.body_hash,
        }
    }

    fn try_set(&mut self, name: &str, value: &str) -> Result<(), Invalid> {
        let text = || limited(name, value, MAX_VALUE).map(str::to_owned);
        match name {
            "transaction_id" => once(name, &mut self.transaction_id, parsed(name, value)?),
            "external_transaction_id" => once(name, &mut self.external, text()?),
            "new_rejected_reason" => once(name, &mut self.reason, reason(name, value)?),
            "third_party_status" => once(name, &mut self.status, text()?),
            "third_party_rejected_reason" => once(name, &mut self.status_reason, text()?),
            "event_key" => once(name, &mut self.event_key, text()?),
            // Trackers send more than is asked for.
            _ => Ok(()),
        }
    }
}

/// Reasons stand in lists of codes, so they are lines without quotes.
fn reason(name: &str, value: &str) -> Result<String, Invalid> {
    check_line(name, value, MAX_REASON)?;
    if value.contains(['"', '\\']) {
        return Err(Invalid::new(name, "must not contain quotation marks or backslashes"));
    }
    Ok(value.to_owned())
}

impl Parameters for Rejection {
    fn set(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        if let Err(error) = self.try_set(name, value) {
            self.refuse(error);
        }
    }

    fn set_json(&mut self, name: &str, _: &str) {
        if NAMES.contains(&name) {
            self.refuse(Invalid::new(name, "must be a text"));
        }
    }

    fn refuse(&mut self, error: Invalid) {
        if self.errors.len() < crate::draft::MAX_ERRORS {
            self.errors.push(error);
        }
    }
}
