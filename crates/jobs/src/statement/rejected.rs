//! What was rejected, read from the events one by one: no sums have the price of what does not count.

use super::{AppStatement, Part};
use crate::lines::Lines;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use tollgate_domain::row::Field;
use tollgate_domain::{EventKind, InvalidTraffic, Money, OrganizationId};
use tollgate_ledger::export::{Encoding, ExportError, ExportQuery, Format};
use tollgate_ledger::group::GroupSource;
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

/// Adds the rejected events of one integration and kind to those of their apps.
pub(super) fn add(
    view: &View,
    organization: OrganizationId,
    (source, kind): (&GroupSource, EventKind),
    apps: &mut BTreeMap<String, AppStatement>,
) -> Result<(), ExportError> {
    let fields = ["app_id", "rejection", "monitoring_mode", "price", "payout"];
    let encoding = Encoding {
        format: Format::Ndjson,
        fields: fields.iter().filter_map(|name| Field::from_name(name)).collect(),
        extra_parameters: Vec::new(),
        organization,
    };
    let query = ExportQuery {
        kind,
        integration: source.integration,
        from: source.from,
        to: source.to,
        predicates: vec![Predicate::parse(kind, "status", None, "rejected")?],
        as_of: None,
    };
    let mut take = |line: &[u8]| {
        let event: Rejected = serde_json::from_slice(line)?;
        // What is only monitored counts.
        if event.monitoring_mode == Some(true) {
            return Ok(());
        }
        let reason = event.rejection.unwrap_or_default();
        let part = Part { events: 1, thousandths: micros(&event.price) + micros(&event.payout) * 1000 };
        let app = apps.entry(event.app_id.unwrap_or_default()).or_default();
        app.invalid.entry((InvalidTraffic::of(&reason), reason)).or_default().add(part);
        Ok(())
    };
    let mut lines = Lines::new(&mut take);
    view.export(&query, &encoding, 1, &mut lines, &mut |_| ControlFlow::Continue(()))?;
    Ok(())
}

/// An amount as it stands in a row, in micro-dollars.
pub(super) fn micros(amount: &Option<Box<RawValue>>) -> i128 {
    let parsed = amount.as_ref().and_then(|raw| Money::parse("", raw.get()).ok());
    parsed.map_or(0, |money| money.micros().into())
}
