//! What the stream tells of an event whose verdict changed after it was told: a late rejection. Everything stands in the
//! amendment itself, so that telling it looks nothing up.

use super::feed::Told;
use serde::Serialize;
use tollgate_domain::{Event, Number, Text};

/// The new verdict, and of what it is.
#[derive(Serialize)]
struct Amended<'a> {
    real_tx_id: String,
    kind: &'static str,
    integration_id: String,
    /// When it was said.
    at: String,
    status: Option<&'static str>,
    monitoring_mode: bool,
    /// The first of `rejections`.
    rejection: Option<&'a str>,
    rejections: &'a [String],
    advertiser: Option<&'a str>,
    publisher: Option<&'a str>,
    offer_id: Option<&'a str>,
    sub_id: Option<&'a str>,
    event_name: Option<&'a str>,
}

/// What is told of the record of an amendment that sets a verdict.
pub(super) fn told(record: &Event) -> Told {
    // It was written here.
    let rejections: Vec<String> =
        record.text(Text::Rejections).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let amended = Amended {
        real_tx_id: record.id.to_string(),
        kind: record.kind.name(),
        integration_id: record.integration.to_string(),
        at: record.time(Number::ArrivalTime).unwrap_or_else(|| record.at()).to_string(),
        status: record.status().map(|status| status.name()),
        monitoring_mode: record.flag(Number::MonitoringMode),
        rejection: rejections.first().map(String::as_str),
        rejections: &rejections,
        advertiser: record.text(Text::Advertiser),
        publisher: record.text(Text::Publisher),
        offer_id: record.text(Text::OfferId),
        sub_id: record.text(Text::SubId),
        event_name: record.text(Text::EventName),
    };
    // Strings and a list of strings have a JSON form.
    let data = serde_json::to_string(&amended).unwrap_or_default();
    Told { name: "amended", id: None, data }
}
