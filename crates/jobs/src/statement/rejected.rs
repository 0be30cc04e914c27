//! What was rejected, read from the events one by one: no sums have the price of what does not count.

use super::StatementError;
use super::apps::Apps;
use crate::analytics::Names;
use crate::events::Events;
use serde::Deserialize;
use serde_json::value::RawValue;
use tollgate_domain::{EventKind, Money};
use tollgate_ledger::export::{ExportError, ExportQuery};
use tollgate_ledger::group::{Bounds, GroupSource};
use tollgate_ledger::query::Predicate;
use tollgate_ledger::view::View;

/// What is read of a rejected event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rejected {
    app_id: Option<String>,
    rejection: Option<String>,
    monitoring_mode: Option<bool>,
    price: Option<Box<RawValue>>,
    payout: Option<Box<RawValue>>,
}

const FIELDS: [&str; 5] = ["app_id", "rejection", "monitoring_mode", "price", "payout"];

/// Adds the rejected events of one integration and kind to those of their apps.
pub(super) fn add(
    view: &View,
    names: &Names<'_>,
    (source, kind): (&GroupSource, EventKind),
    bounds: &Bounds,
    apps: &mut Apps,
) -> Result<(), StatementError> {
    let query = ExportQuery {
        kind,
        integration: source.integration,
        from: source.from,
        to: source.to,
        predicates: vec![Predicate::parse(kind, "status", None, "rejected").map_err(ExportError::from)?],
        as_of: None,
    };
    let mut take = |event: Rejected| {
        // What is only monitored counts.
        if event.monitoring_mode != Some(true) {
            let app = names.known_app(event.app_id.as_deref().unwrap_or_default());
            let thousandths = micros(&event.price) + micros(&event.payout) * 1000;
            apps.reject(app, event.rejection.unwrap_or_default(), thousandths);
        }
        Ok(())
    };
    Ok(Events::new(view, names.0.id(), &FIELDS, bounds).each(&query, &mut take)?)
}

/// An amount as it stands in a row, in micro-dollars.
pub(super) fn micros(amount: &Option<Box<RawValue>>) -> i128 {
    let parsed = amount.as_ref().and_then(|raw| Money::parse("", raw.get()).ok());
    parsed.map_or(0, |money| money.micros().into())
}
