//! What becomes known of an event after it was judged: a late rejection, a third party's verdict, a correction of money.
//! Stored rows are never changed; an amendment is a record of its own, and readers see the row with it.

use crate::{Column, Event, IntegrationId, Number, Text, Timestamp, TxId};

/// The columns that an amendment may set. No row is found by one of them, so indexes stay what they are.
pub const AMENDABLE: &[Column] = &[
    Column::Text(Text::Rejections),
    Column::Text(Text::Evidence),
    Column::Text(Text::ThirdPartyStatus),
    Column::Text(Text::ThirdPartyRejectedReason),
    Column::Number(Number::Status),
    Column::Number(Number::MonitoringMode),
    Column::Number(Number::LateRejection),
    Column::Number(Number::Revenue),
    Column::Number(Number::Payout),
    Column::Number(Number::Price),
    Column::Number(Number::Restated),
];

/// What an amendment repeats of its event, so that counters can be folded without looking the event up.
const SOURCE: &[Text] =
    &[Text::Advertiser, Text::Publisher, Text::OfferId, Text::SubId, Text::EventId, Text::EventName];

/// A record that amends a stored event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amendment {
    /// Kind, integration and id are those of the event that is amended; `seq` and key are the amendment's own. Columns of
    /// [`AMENDABLE`] are what the amendment sets. Of the others, `arrival_time`, `config_version` and `body_hash` are the
    /// amendment's own, `request_time` is the time its event counts at, and texts repeat the event's source.
    pub record: Event,
}

impl Amendment {
    /// An amendment of `event` that sets nothing yet, accepted at `now`.
    pub fn of(event: &Event, now: Timestamp) -> Self {
        let mut record = Event::new(event.kind, event.integration);
        record.id = event.id;
        for column in SOURCE {
            if let Some(text) = event.text(*column) {
                record.set_text(*column, text);
            }
        }
        let arrived = event.time(Number::ArrivalTime).unwrap_or_else(|| event.at());
        record.set_number(Number::RequestTime, event.at().min(arrived).millis());
        record.set_number(Number::ArrivalTime, now.millis());
        Self { record }
    }

    /// The integration of the event.
    pub fn integration(&self) -> IntegrationId {
        self.record.integration
    }

    /// The id of the event.
    pub fn target(&self) -> TxId {
        self.record.id
    }

    /// Its own place in the commit order.
    pub fn seq(&self) -> u64 {
        self.record.seq
    }

    /// Whether it sets anything.
    pub fn is_empty(&self) -> bool {
        AMENDABLE.iter().all(|column| match column {
            Column::Text(column) => self.record.text(*column).is_none(),
            Column::Number(column) => self.record.number(*column).is_none(),
        })
    }

    /// Writes what it sets into `event`.
    pub fn apply_to(&self, event: &mut Event) {
        for column in AMENDABLE {
            match column {
                Column::Text(column) => {
                    if let Some(text) = self.record.text(*column) {
                        event.set_text(*column, text);
                    }
                }
                Column::Number(column) => {
                    if let Some(number) = self.record.number(*column) {
                        event.set_number(*column, number);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventKind, Status};

    #[test]
    fn an_amendment_sets_what_may_be_amended_and_leaves_the_rest() {
        let mut event = Event::new(EventKind::Conversion, "abcdefghij".parse().unwrap());
        (event.id, event.seq) = (TxId::from_u128(7), 3);
        event.set_number(Number::RequestTime, 2_000);
        event.set_number(Number::ArrivalTime, 1_000);
        event.set_number(Number::Payout, 5);
        event.set_text(Text::Publisher, "p");
        event.set_status(Status::Approved);
        let mut amendment = Amendment::of(&event, Timestamp::from_millis(9_000));
        assert!(amendment.is_empty());
        amendment.record.set_status(Status::Rejected);
        amendment.record.set_text(Text::Publisher, "somebody else");
        let before = event.clone();
        amendment.apply_to(&mut event);
        assert_eq!(event.status(), Some(Status::Rejected));
        event.set_status(Status::Approved);
        assert_eq!(event, before);
        assert_eq!(amendment.record.at().millis(), 1_000, "the time its event counts at");
        assert!(!amendment.is_empty());
    }
}
