//! What a file of prices changes: the prices of the locations it names, all of them or none.

use super::sheet::{Problems, Row};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tollgate_catalog::{Draft, Refused, Stored};
use tollgate_domain::{AdLocation, AdLocationId, AdLocationType, App, Market, Money, PriceTable};
use utoipa::ToSchema;

/// What happens to prices of a named location that the file does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// They go.
    Replace,
    /// They stay.
    Merge,
}

/// What a file changed, or would change.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct PriceUpdate {
    /// Whether nothing was stored.
    pub(super) dry_run: bool,
    /// Ad locations whose prices changed.
    pub(super) changed_locations: u64,
    /// Every price that changed.
    pub(super) changes: Vec<PriceChange>,
}

/// A price that changed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct PriceChange {
    /// The app.
    app_id: String,
    /// The ad location's UUID.
    ad_location: String,
    /// Its name.
    name: String,
    /// Its ad type.
    ad_type: &'static str,
    /// The country, or `default`.
    country: String,
    /// Dollars per thousand before; null: there was no price.
    #[schema(required = true)]
    old: Option<f64>,
    /// Dollars per thousand now; null: there is no price any more.
    #[schema(required = true)]
    new: Option<f64>,
}

/// Changes prices as `rows` say. `problems` are those the file was read with; with those found here they are the answer.
pub(super) fn apply(
    draft: &mut Draft<'_>,
    rows: &[Row],
    mode: Mode,
    mut problems: Problems,
) -> Result<PriceUpdate, Refused> {
    let mut update = PriceUpdate { dry_run: false, changed_locations: 0, changes: Vec::new() };
    for (id, rows) in by_location(rows) {
        let Some(location) = find(draft, id, &rows, &mut problems) else { continue };
        let Some(prices) = table(&location, &rows, mode, &mut problems) else { continue };
        if prices == location.prices {
            continue;
        }
        update.changed_locations += 1;
        compare(&location, &prices, &mut update.changes);
        if problems.is_empty() {
            draft.update(AdLocation { prices, ..location.value.clone() }, None)?;
        }
    }
    if problems.is_empty() { Ok(update) } else { Err(Refused::Invalid(problems.into_errors())) }
}

fn by_location(rows: &[Row]) -> BTreeMap<AdLocationId, Vec<&Row>> {
    let mut by_location: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        by_location.entry(row.location).or_default().push(row);
    }
    by_location
}

/// The location that rows are about, when there is such a one and they say nothing else about it.
fn find(
    draft: &Draft<'_>,
    id: AdLocationId,
    rows: &[&Row],
    problems: &mut Problems,
) -> Option<Arc<Stored<AdLocation>>> {
    let mut all = |column, message: &str| rows.iter().for_each(|row| problems.add(row.line, column, message));
    if draft.get::<App>(id.app().as_str()).is_none() {
        all("app_id", "is no app of the organization");
        return None;
    }
    let Some(location) = draft.get::<AdLocation>(id.as_str()) else {
        all("ad_location", "is no ad location of the app");
        return None;
    };
    if location.location_type != AdLocationType::FixedCpm {
        all("ad_location", "is not of type fixed_cpm, so it has no prices of its own");
        return None;
    }
    let (name, ad_type) = (location.name.as_str(), location.ad_type.name());
    for row in rows {
        if row.name.as_deref().is_some_and(|given| given != name) {
            problems.add(row.line, "name", format!("is not the ad location's name, which is {name:?}"));
        }
        if row.ad_type.as_deref().is_some_and(|given| given != ad_type) {
            problems.add(row.line, "ad_type", format!("is not the ad location's, which is {ad_type}"));
        }
    }
    Some(location.clone())
}

/// The prices that a location is to have.
fn table(location: &AdLocation, rows: &[&Row], mode: Mode, problems: &mut Problems) -> Option<PriceTable> {
    let mut prices: Vec<(Market, Money)> = match mode {
        Mode::Replace => Vec::with_capacity(rows.len()),
        Mode::Merge => location.prices.iter().collect(),
    };
    let mut places: HashMap<Market, usize> =
        prices.iter().enumerate().map(|(place, (market, _))| (*market, place)).collect();
    let mut lines: HashMap<Market, u64> = HashMap::new();
    for row in rows {
        if let Some(line) = lines.insert(row.market, row.line) {
            problems.add(row.line, "country", format!("stands for this ad location in line {line} already"));
        }
        match places.get(&row.market) {
            Some(place) => prices[*place].1 = row.price,
            None => {
                places.insert(row.market, prices.len());
                prices.push((row.market, row.price));
            }
        }
    }
    // Each price is legal and stands once, so all that can be wrong is their number.
    let table = PriceTable::new(&prices);
    if table.is_err() {
        let line = rows.last().map_or(0, |row| row.line);
        let message = format!("is one too many: an ad location has at most {} prices", PriceTable::MOST);
        problems.add(line, "country", message);
    }
    table.ok()
}

/// Adds every price that is not the same in the location and in `prices`.
fn compare(location: &AdLocation, prices: &PriceTable, changes: &mut Vec<PriceChange>) {
    let gone = location.prices.iter().filter(|(market, _)| prices.exact(*market).is_none());
    let gone = gone.map(|(market, old)| (market, Some(old), None));
    let new = prices.iter().map(|(market, new)| (market, location.prices.exact(market), Some(new)));
    changes.extend(new.chain(gone).filter(|(_, old, new)| old != new).map(|(market, old, new)| {
        PriceChange {
            app_id: location.id.app().to_string(),
            ad_location: location.id.uuid().to_string(),
            name: location.name.to_string(),
            ad_type: location.ad_type.name(),
            country: market.as_str().to_owned(),
            old: old.map(Money::to_f64),
            new: new.map(Money::to_f64),
        }
    }));
}
