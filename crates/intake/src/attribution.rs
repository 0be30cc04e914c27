//! Joins a conversion to its click, by our id or by the caller's, and takes from the click what the postback left out.

use crate::draft::{Draft, Wishes};
use sha2::{Digest, Sha256};
use tollgate_domain::{Column, Event, EventKind, Number, Status, Text, Timestamp, TxId, hex};

/// How far before its conversion a click may lie to be found by the caller's id, in milliseconds: the widest window of
/// the `attribution` filter.
pub(crate) const LOOK_BACK_MS: i64 = 90 * 86_400_000;
/// How far after: clocks differ.
pub(crate) const LOOK_AHEAD_MS: i64 = 86_400_000;

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

/// What a conversion knows through what it took.
const TELLING: &[Text] = &[
    Text::InvalidSubId,
    Text::Country,
    Text::City,
    Text::Isp,
    Text::ProxyType,
    Text::BrowserName,
    Text::BrowserVersion,
    Text::OsName,
    Text::OsVersion,
    Text::DeviceType,
    Text::DeviceModel,
    Text::BotClass,
    Text::BotName,
    Text::SearchEngine,
    Text::Evidence,
    Text::ClickStatus,
    Text::ClickCountry,
];

/// How a conversion names its click.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// By our id.
    Id(TxId),
    /// By the caller's, for a click from `from` up to but without `to`.
    External { id: String, from: Timestamp, to: Timestamp },
}

/// The click that `event` wants, when it is a conversion that names one.
pub(crate) fn wanted(event: &Event, wishes: &Wishes) -> Option<Wanted> {
    if event.kind != EventKind::Conversion {
        return None;
    }
    if let Some(id) = wishes.transaction_id {
        return Some(Wanted::Id(id));
    }
    let id = event.text(Text::ExternalTransactionId)?.to_owned();
    let (from, to) = (event.at().plus_millis(-LOOK_BACK_MS), event.at().plus_millis(LOOK_AHEAD_MS));
    Some(Wanted::External { id, from, to })
}

impl Draft {
    /// The caller's id by which a conversion names its click.
    pub fn names_click(&self) -> Option<&str> {
        let by_theirs = self.event.kind == EventKind::Conversion && self.wishes.transaction_id.is_none();
        self.event.text(Text::ExternalTransactionId).filter(|_| by_theirs)
    }

    /// Offers a click that was judged before and has the id that a conversion names: history may not tell of it yet. The
    /// newest one counts, of several at one time the last.
    pub fn offer_click(&mut self, click: &Event) {
        let Some(Wanted::External { from, to, .. }) = wanted(&self.event, &self.wishes) else { return };
        let in_time = (TxId::first_at(from)..TxId::first_at(to)).contains(&click.id);
        if in_time && self.click.as_ref().is_none_or(|found| found.id.time() <= click.id.time()) {
            self.click = Some(Box::new(click.clone()));
        }
    }
}

/// Joins the conversion `event` to its click, where one was found.
pub(crate) fn join(event: &mut Event, click: Option<&Event>) {
    if let Some(click) = click {
        take(event, click);
    }
    set_hash(event);
}

/// Whether a conversion's `column` may be its click's word, or tell of the click: what whoever posts a conversion does
/// not know yet.
pub fn is_of_click(column: Column) -> bool {
    match column {
        Column::Text(column) => TAKEN.contains(&column) || TELLING.contains(&column),
        Column::Number(column) => matches!(column, Number::ClickTime | Number::Asn | Number::IsBot),
    }
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
