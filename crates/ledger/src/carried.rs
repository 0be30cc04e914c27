//! What deleted events counted: an account does not fall because events go. The manifest's change that deletes rows says
//! what they counted until then, so that after a crash both are there or neither is.

use crate::amendments::{Amendments, Entry, Layers};
use crate::expired::{Expiry, TIMES};
use crate::rollup::{MEASURED, Sums, changes};
use crate::row::{Malformed, RowView};
use crate::scan::ScanError;
use crate::segment::{Footer, IdWindow, RowSet, Segment, SegmentError, Wanted};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tollgate_domain::{Column, IntegrationId, Number, Timestamp, TxId};

/// Rows that are read at a time.
const AT_A_TIME: u64 = if cfg!(test) { 50 } else { 65_536 };

/// What events of an integration counted that were deleted since. Money is in micro-dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// What advertisers paid.
    #[serde(with = "text")]
    pub revenue: i128,
    /// What publishers got.
    #[serde(with = "text")]
    pub payout: i128,
    /// The prices, per thousand: divide by 1,000 once, at the end.
    #[serde(with = "text")]
    pub price: i128,
}

impl Carried {
    fn add(&mut self, sums: &Sums) {
        self.revenue += sums.counted_revenue;
        self.payout += sums.counted_payout;
        self.price += sums.counted_price;
    }
}

/// By integration; those of which nothing is carried are not in it.
pub(crate) type ByIntegration = BTreeMap<IntegrationId, Carried>;

/// What is known of events that are deleted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gone {
    /// What they counted.
    pub(crate) counted: ByIntegration,
    /// Up to when there were such as retention deleted.
    pub(crate) expired: Expiry,
}

impl Gone {
    /// Adds another's.
    pub(crate) fn add(&mut self, more: &Self) {
        for (integration, carried) in &more.counted {
            let sum = self.counted.entry(*integration).or_default();
            sum.revenue += carried.revenue;
            sum.payout += carried.payout;
            sum.price += carried.price;
        }
        self.expired.add(&more.expired);
    }

    /// Adds that an event was taken back, if `record`, which amends it, says so.
    fn add_amendment(&mut self, entry: &Entry) -> Result<(), Malformed> {
        let record = RowView::parse(&entry.row)?;
        let takes_back = |flag| record.number(flag) == Some(1);
        let at = record.number(Number::ArrivalTime).map(Timestamp::from_millis);
        if let Some(at) = at.filter(|_| takes_back(Number::Restated) || takes_back(Number::LateRejection)) {
            self.expired.take_back(entry.integration, entry.kind, at);
        }
        Ok(())
    }
}

fn wanted(more: &[Column]) -> Wanted {
    Wanted { ids: false, seqs: false, columns: [MEASURED, more].concat() }
}

/// What is known of the rows of a segment that are in neither set, as they were judged; whether they are too old.
pub(crate) fn as_judged(
    segment: &Segment,
    footer: &Footer,
    (staying, gone): (&RowSet, &RowSet),
    are_expired: bool,
) -> Result<Gone, SegmentError> {
    let (wanted, others) = (wanted(if are_expired { &TIMES } else { &[] }), staying.with(gone));
    let mut all = Gone::default();
    for integration in footer.integrations() {
        let rows = segment.rows_of(footer, integration);
        for start in rows.clone().step_by(AT_A_TIME as usize) {
            let window = start..(start + AT_A_TIME).min(rows.end);
            let runs = others.others_of(std::slice::from_ref(&window));
            if runs.is_empty() {
                continue;
            }
            let carried = all.counted.entry(integration).or_default();
            for columns in segment.columns(footer, &wanted, integration, &runs)? {
                for row in (0..columns.rows()).map(|row| columns.row(row)) {
                    carried.add(&Sums::of(&row));
                    if are_expired {
                        all.expired.add_event(&row);
                    }
                }
            }
        }
    }
    Ok(all)
}

/// Adds what the newer amendments change of `rows` of a segment, beyond what the former ones did.
pub(crate) fn add_changes(
    all: &mut Gone,
    (segment, rows): (&Segment, &RowSet),
    (former, newer): (&Layers<'_>, &Layers<'_>),
) -> Result<(), ScanError> {
    let (footer, mut window) = (segment.footer()?, IdWindow::default());
    let mut about: Vec<Entry> = Vec::new();
    for entry in newer.0.iter().flat_map(|list| list.entries()) {
        let may_be = segment.meta().kind == entry.kind && segment.meta().bounds(entry.integration).is_some();
        if may_be
            && let Some(row) = segment.row_of(&footer, &mut window, entry.integration, entry.id)?
            && rows.contains(row)
        {
            all.add_amendment(entry)?;
            about.push(entry.clone());
        }
    }
    let integrations: BTreeSet<IntegrationId> = about.iter().map(|entry| entry.integration).collect();
    let about = Amendments::new(about);
    let newer = Layers(vec![&about]);
    for integration in integrations {
        let carried = all.counted.entry(integration).or_default();
        let everything = TxId::default()..TxId::from_u128(u128::MAX);
        let ids = (integration, &everything);
        changes(segment, ids, (former, &newer), u64::MAX, &wanted(&[]), &mut |before, after| {
            carried.add(&Sums::of(before).negative());
            carried.add(&Sums::of(after));
        })?;
    }
    Ok(())
}

/// Numbers as text: JSON's readers have no 128 bits.
mod text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &i128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i128, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
