//! Where a postback may go, as far as its URL tells, and what it says about a made-up conversion.

use super::Postbacks;
use super::delivery::Attempt;
use super::follow::message;
use tollgate_domain::{
    Event, EventKind, Number, Postback, PostbackEventType, PostbackMethod, PostbackTrigger, Status, Template,
    Text, Timestamp, TxId, hex,
};

/// Stands in the ids of samples, so that receivers can tell them apart.
const SAMPLE: &str = "sample";

/// What a sample was and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The delivery's id; no real one has it.
    pub id: String,
    /// `GET` or `POST`.
    pub method: PostbackMethod,
    /// Where it was sent, macros filled in.
    pub url: String,
    /// What was sent with a POST.
    pub body: Option<String>,
    /// What came of it.
    pub attempt: Attempt,
}

/// Why no sample was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// Others send as many as are sent at a time.
    #[error("too many samples are being sent")]
    Busy,
    /// Its macros make it too long.
    #[error("the postback is too long once its macros are filled in")]
    TooLong,
}

impl Postbacks {
    /// Whether postbacks may go to `url`, as far as it tells by itself: names are looked up when they are connected to.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn check_url(&self, url: &str) -> Result<(), String> {
        Template::url(url)?;
        self.destinations.check(url)
    }

    /// Sends `postback` now for a made-up conversion. It is not kept.
    pub async fn send_sample(&self, postback: &Postback) -> Result<Sample, SampleError> {
        let _place = self.samples.try_acquire().map_err(|_| SampleError::Busy)?;
        let mut id = [0; 16];
        self.entropy.fill(&mut id);
        let id = hex(&id);
        let event = made_up(postback, self.clock.now());
        let message = message(postback, &event, &id).ok_or(SampleError::TooLong)?;
        let attempt = self.attempt(&message).await;
        Ok(Sample { id, method: message.method, url: message.url, body: message.body, attempt })
    }
}

/// A conversion that the postback would be sent for.
fn made_up(postback: &Postback, now: Timestamp) -> Event {
    let mut event = Event::new(EventKind::Conversion, postback.integration);
    let first = |list: &[String]| list.first().map_or(SAMPLE, String::as_str).to_owned();
    (event.id, event.seq) = (TxId::new(now, 0), 0);
    for (column, value) in [
        (Text::OfferId, first(&postback.offer_ids)),
        (Text::Publisher, first(&postback.publisher_ids)),
        (Text::Advertiser, first(&postback.advertiser_ids)),
        (Text::ExternalTransactionId, SAMPLE.to_owned()),
        (Text::ClickRealTxId, TxId::new(now.plus_millis(-60_000), 0).to_string()),
        (Text::SubId, SAMPLE.to_owned()),
        (Text::Country, "US".to_owned()),
        // An address for documentation (RFC 5737).
        (Text::Ip, "192.0.2.1".to_owned()),
    ] {
        event.set_text(column, &value);
    }
    for (column, value) in [
        (Number::RequestTime, now.millis()),
        (Number::ConversionTime, now.millis()),
        (Number::ClickTime, now.millis() - 60_000),
        (Number::Revenue, 2_000_000),
        (Number::Payout, 1_500_000),
    ] {
        event.set_number(column, value);
    }
    if !postback.event_types.contains(&PostbackEventType::Conversion) {
        event.set_text(Text::EventName, &first(&postback.event_names));
    }
    match postback.on {
        PostbackTrigger::Approved => event.set_status(Status::Approved),
        PostbackTrigger::Rejected => {
            event.set_status(Status::Rejected);
            let reason = postback.reasons.first().map_or("CUSTOM", String::as_str);
            event.set_text(Text::Rejections, &serde_json::json!([reason]).to_string());
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_up_is_what_the_postback_waits_for() {
        let mut plain = Postback::new("bbbbbbbbbb".parse().unwrap(), "abcdefghij".parse().unwrap());
        plain.offer_ids.push("7".to_owned());
        let reasons = vec!["LATE".to_owned()];
        let (event_types, event_names) = (vec![PostbackEventType::Event], vec!["deposit".to_owned()]);
        for postback in [
            Postback { on: PostbackTrigger::Rejected, reasons, ..plain.clone() },
            Postback { event_types, event_names, ..plain.clone() },
            Postback { on: PostbackTrigger::Rejected, ..plain.clone() },
            plain,
        ] {
            assert!(postback.wants(&made_up(&postback, Timestamp::from_millis(1_700_000_000_000))));
        }
    }
}
