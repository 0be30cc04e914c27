//! A delivery: one postback for one verdict about one conversion, and every attempt to hand it over.

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;
use tollgate_domain::{
    IntegrationId, OrganizationId, PostbackId, PostbackMethod, PostbackTrigger, Timestamp, TxId, hex,
    web_address,
};

/// Attempts that the log keeps of a delivery; the oldest give way.
pub(super) const MAX_ATTEMPTS: usize = 100;
/// An attempt that takes so many milliseconds keeps others from their places.
const SLOW_MILLIS: u64 = 2000;

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is on its way.
    Pending,
    /// The receiver answered 2xx.
    Delivered,
    /// It was given up.
    Failed,
    /// Its postback was deleted or deactivated before it was delivered.
    Canceled,
}

impl DeliveryState {
    /// Every state; its place is its number in the store.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Failed, Self::Canceled];

    /// `pending`, `delivered`, `failed` or `canceled`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began, in milliseconds since the epoch.
    pub at: i64,
    /// The status that was answered; none without an answer.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// Why there was no answer, in one word.
    pub error: Option<String>,
}

impl Attempt {
    /// Whether the receiver took it.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// An attempt that a fault of our own ended.
    pub(super) fn broken(at: Timestamp) -> Self {
        Self { at: at.millis(), status: None, millis: 0, error: Some("internal".to_owned()) }
    }

    /// Whether the host is in trouble, whatever becomes of the delivery: it does not answer, or that it cannot, or
    /// slowly.
    pub(super) fn is_trouble(&self) -> bool {
        self.status.is_none_or(|status| status >= 500) || self.millis >= SLOW_MILLIS
    }

    /// Whether the receiver said that it will never take it: 410.
    pub(super) fn is_final(&self) -> bool {
        self.status == Some(410)
    }
}

/// A delivery as the log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its place in the log.
    pub n: u64,
    /// Its id, the same in every attempt.
    pub id: String,
    /// The postback.
    pub postback: String,
    /// The conversion.
    pub conversion: String,
    /// The verdict it tells of.
    pub verdict: String,
    /// `GET` or `POST`.
    pub method: String,
    /// Where it goes, macros filled in.
    pub url: String,
    /// The form that a POST sends, macros filled in.
    pub body: Option<String>,
    /// What became of it.
    pub state: DeliveryState,
    /// When the verdict was taken up.
    pub created_at: Timestamp,
    /// When it is tried next; meaningless unless it is pending.
    pub due_at: Timestamp,
    /// When it reached its last state.
    pub finished_at: Option<Timestamp>,
    /// Every attempt, oldest first; of very many, the last [`MAX_ATTEMPTS`].
    pub attempts: Vec<Attempt>,
}

/// A delivery to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewDelivery {
    pub(super) id: String,
    pub(super) organization: OrganizationId,
    pub(super) integration: IntegrationId,
    pub(super) postback: PostbackId,
    pub(super) conversion: TxId,
    pub(super) verdict: PostbackTrigger,
    pub(super) message: Message,
    /// When the verdict was given.
    pub(super) judged_at: Timestamp,
    /// Milliseconds from then until the first attempt.
    pub(super) delay: i64,
    /// Why it cannot be sent at all, in one word.
    pub(super) unsendable: Option<&'static str>,
}

impl NewDelivery {
    /// When it is due first, if it is taken up at `now`: not in the past, nor later than if the verdict were new, whatever
    /// the clock said when it was given.
    pub(super) fn due_at(&self, now: Timestamp) -> Timestamp {
        self.judged_at.plus_millis(self.delay).clamp(now, now.plus_millis(self.delay))
    }
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) method: PostbackMethod,
    pub(super) url: String,
    pub(super) body: Option<String>,
}

impl Message {
    /// The host it goes to; empty when it goes nowhere.
    pub(super) fn host(&self) -> String {
        web_address::parse(&self.url).map_or_else(|_| String::new(), |url| url.host.to_ascii_lowercase())
    }
}

/// What waits for the same: an integration's deliveries to one host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Lane {
    pub(super) host: String,
    pub(super) integration: String,
}

/// A delivery that is due, as far as an attempt needs it.
#[derive(Debug, Clone)]
pub(super) struct Due {
    pub(super) n: i64,
    pub(super) organization: String,
    pub(super) postback: String,
    pub(super) lane: Lane,
    pub(super) message: Message,
    pub(super) began_at: Timestamp,
    pub(super) attempts: Vec<Attempt>,
}

/// The id of the delivery of `postback` for what the ledger says at `seq` about `conversion`. It follows from these
/// alone, so a delivery that is made again after a crash has the id it had.
pub(super) fn delivery_id(postback: PostbackId, conversion: TxId, seq: u64) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(postback.as_bytes());
    hasher.write_u128(conversion.to_u128());
    hasher.write_u64(seq);
    hex(&hasher.finish128().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_follows_from_postback_conversion_and_seq() {
        let postback = |text: &str| text.parse::<PostbackId>().unwrap();
        let id = delivery_id(postback("aaaaaaaaaa"), TxId::from_u128(5), 7);
        assert_eq!(id.len(), 32);
        assert_eq!(id, delivery_id(postback("aaaaaaaaaa"), TxId::from_u128(5), 7));
        for other in [
            delivery_id(postback("aaaaaaaaab"), TxId::from_u128(5), 7),
            delivery_id(postback("aaaaaaaaaa"), TxId::from_u128(6), 7),
            delivery_id(postback("aaaaaaaaaa"), TxId::from_u128(5), 8),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn only_2xx_is_a_success_only_410_is_final_and_only_the_hosts_own_failures_are_trouble() {
        let attempt = |status, millis| Attempt { at: 0, status, millis, error: None };
        for (status, success, last, trouble) in [
            (None, false, false, true),
            (Some(199), false, false, false),
            (Some(200), true, false, false),
            (Some(204), true, false, false),
            (Some(299), true, false, false),
            (Some(302), false, false, false),
            (Some(404), false, false, false),
            (Some(410), false, true, false),
            (Some(500), false, false, true),
            (Some(503), false, false, true),
        ] {
            let quick = attempt(status, 1999);
            let found = (quick.is_success(), quick.is_final(), quick.is_trouble());
            assert_eq!(found, (success, last, trouble), "{status:?}");
            assert!(attempt(status, 2000).is_trouble(), "{status:?}");
        }
    }
}
