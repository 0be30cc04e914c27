//! Joins a conversion to its click, by our id or by the caller's, and takes from the click what the postback left out.

use crate::draft::Wishes;
use crate::intake::Intake;
use sha2::{Digest, Sha256};
use tollgate_domain::{Event, EventKind, Number, Status, Text, hex};
use tollgate_ledger::scan::ScanError;

/// How far before its conversion a click may lie to be found by the caller's id, in milliseconds: the widest window of
/// the `attribution` filter.
const LOOK_BACK_MS: i64 = 90 * 86_400_000;
/// How far after: clocks differ.
const LOOK_AHEAD_MS: i64 = 86_400_000;

/// What a conversion takes from its click when it does not say it itself.
const TAKEN: &[Text] = &[
    Text::Advertiser,
    Text::Publisher,
    Text::OfferId,
    Text::OfferName,
    Text::SubId,
    Text::SubId2,
    Text::SubId3,
    Text::SubId4,
    Text::SubId5,
    Text::SubId6,
    Text::AdvSubId,
    Text::AdvSubId2,
    Text::AdvSubId3,
    Text::AdvSubId4,
    Text::AdvSubId5,
    Text::AdvSubId6,
    Text::AppId,
    Text::AdLocation,
    Text::Campaign,
    Text::Creative,
    Text::AdType,
    Text::Ip,
    Text::UserAgent,
    Text::DeviceId,
    Text::Fingerprint,
    Text::Uuid,
    Text::BrowserLanguages,
    Text::Referer,
    Text::SiteUrl,
    Text::Keyword,
    Text::BundleId,
    Text::UrlId,
    Text::ExternalTransactionId,
];

/// Looks up the click of the conversion `event` and joins it.
pub(crate) fn join(intake: &Intake, event: &mut Event, wishes: &Wishes) -> Result<(), ScanError> {
    if let Some(click) = find(intake, event, wishes)? {
        take(event, &click);
    }
    set_hash(event);
    Ok(())
}

fn find(intake: &Intake, event: &Event, wishes: &Wishes) -> Result<Option<Event>, ScanError> {
    let view = intake.ledger().view();
    if let Some(id) = wishes.transaction_id {
        return view.find(event.integration, Some(EventKind::Click), id);
    }
    let Some(external) = event.text(Text::ExternalTransactionId) else { return Ok(None) };
    let (from, to) = (event.at().plus_millis(-LOOK_BACK_MS), event.at().plus_millis(LOOK_AHEAD_MS));
    view.find_external(event.integration, EventKind::Click, from, to, external)
}

/// Joins the conversion `event` to `click`.
pub(crate) fn take(event: &mut Event, click: &Event) {
    for column in TAKEN {
        if let (None, Some(text)) = (event.text(*column), click.text(*column)) {
            event.set_text(*column, text);
        }
    }
    event.write_text(Text::ClickRealTxId, |out| out.push_str(&click.id.to_string()));
    if event.number(Number::ClickTime).is_none() {
        event.set_number(Number::ClickTime, click.at().millis());
    }
    if let Some(country) = click.text(Text::Country) {
        event.set_text(Text::ClickCountry, country);
    }
    // Under monitoring mode nothing was enforced: the click counts.
    event.set_text(
        Text::ClickStatus,
        if click.is_enforced_rejection() { Status::Rejected } else { Status::Approved }.name(),
    );
}

/// Equal facts have equal hashes, so that a conversion can be looked up by what the caller knows of it.
pub(crate) fn set_hash(event: &mut Event) {
    let mut hasher = Sha256::new();
    hasher.update(event.integration.as_bytes());
    let transaction = event.text(Text::ExternalTransactionId).or(event.text(Text::ClickRealTxId));
    let facts =
        [event.text(Text::OfferId), event.text(Text::Publisher), transaction, event.text(Text::EventId)];
    for fact in facts {
        let fact = fact.unwrap_or_default();
        hasher.update((fact.len() as u64).to_le_bytes());
        hasher.update(fact);
    }
    let digest = hasher.finalize();
    event.set_text(Text::Hash, &hex(&digest[..16]));
}
