//! A delivery as this dialect writes it.

use crate::native::postbacks::schema;
use serde::Serialize;
use tollgate_domain::Timestamp;
use tollgate_jobs::postbacks::{Attempt, Delivery, DeliveryState};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// A postback for one verdict about one conversion.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PostbackDelivery)]
pub(super) struct DeliveryBody {
    /// Its id, the same in every attempt.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    id: String,
    #[schema(pattern = "^[a-z0-9]{10}$")]
    postback_id: String,
    /// The conversion's `real_tx_id`.
    #[schema(pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    conversion_id: String,
    /// The verdict it tells of.
    #[schema(schema_with = schema::on)]
    on: String,
    #[schema(schema_with = status)]
    status: &'static str,
    #[schema(schema_with = schema::method)]
    method: String,
    /// Where it goes, macros filled in.
    url: String,
    /// The form that a POST sends, macros filled in.
    #[schema(required)]
    body: Option<String>,
    /// When the verdict was taken up.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it is tried next; null when it is not tried any more.
    #[schema(required, format = DateTime)]
    due_at: Option<String>,
    /// When it was delivered, given up or canceled.
    #[schema(required, format = DateTime)]
    finished_at: Option<String>,
    /// Every attempt, oldest first; of very many, the last 100.
    attempts: Vec<AttemptBody>,
}

/// An attempt to deliver it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PostbackAttempt)]
pub(super) struct AttemptBody {
    /// When it began.
    #[schema(format = DateTime)]
    at: String,
    /// The status of the answer; null without one.
    #[schema(required)]
    status_code: Option<u16>,
    /// How long it took, in milliseconds.
    duration_ms: u64,
    /// Why there was no answer, in one word.
    #[schema(required)]
    error: Option<String>,
}

impl DeliveryBody {
    pub(super) fn of(delivery: Delivery) -> Self {
        let waits = delivery.state == DeliveryState::Pending;
        Self {
            id: delivery.id,
            postback_id: delivery.postback,
            conversion_id: delivery.conversion,
            on: delivery.verdict,
            status: delivery.state.name(),
            method: delivery.method,
            url: delivery.url,
            body: delivery.body,
            created_at: delivery.created_at.to_string(),
            due_at: waits.then(|| delivery.due_at.to_string()),
            finished_at: delivery.finished_at.map(|at| at.to_string()),
            attempts: delivery.attempts.into_iter().map(AttemptBody::of).collect(),
        }
    }
}

impl AttemptBody {
    fn of(attempt: Attempt) -> Self {
        Self {
            at: Timestamp::from_millis(attempt.at).to_string(),
            status_code: attempt.status,
            duration_ms: attempt.millis,
            error: attempt.error,
        }
    }
}

pub(super) fn status() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(DeliveryState::ALL.map(DeliveryState::name)))
}
