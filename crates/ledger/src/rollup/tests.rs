//! The bytes of files of sums, and what becomes of damaged ones.

use super::*;
use crate::disk::{Disk, RealDisk};
use crate::group::Measures;
use crate::segment::{FooterCache, IdWindow, RollupMeta, Segment, SegmentError, publish};
use std::collections::BTreeMap;
use std::sync::Arc;
use tollgate_domain::{Event, IntegrationId, Number, Status, Text, Timestamp, TxId};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
const NAME: &str = "segment-1.parquet.rollup";

fn fixtures() -> Arc<dyn Disk> {
    Arc::new(RealDisk::new(FIXTURES).unwrap())
}

fn events() -> Vec<Event> {
    let meta = std::fs::read(format!("{FIXTURES}/segment-1.json")).unwrap();
    let segment = Segment::open(fixtures(), serde_json::from_slice(&meta).unwrap(), FooterCache::new(0));
    let rows: Vec<u64> = (0..20).collect();
    segment.events(&segment.footer().unwrap(), &mut IdWindow::default(), &rows).unwrap()
}

fn fold(events: &[Event]) -> Fold {
    let mut fold = Fold::new(events[0].id.time().day(), 0);
    let alive = fold.alive();
    events.iter().for_each(|event| fold.add(event, &alive));
    fold
}

/// Wrote the fixture when files of sums had version 1.
#[test]
#[ignore = "writes files of the repository"]
fn write_fixture_of_rollups() {
    let meta = write(&*fixtures(), NAME, &fold(&events())).unwrap().unwrap();
    publish(&*fixtures(), &[NAME]).unwrap();
    std::fs::write(format!("{FIXTURES}/rollup-1.json"), serde_json::to_vec_pretty(&meta).unwrap()).unwrap();
}

type Summed = BTreeMap<(IntegrationId, Vec<Option<String>>, i64), (Measures, i128)>;

/// What a file says of a set.
fn said(file: &RollupFile, set: usize) -> Result<Summed, SegmentError> {
    let mut all = Summed::new();
    file.section(set)?.unwrap().each(None, &mut |group| {
        let texts: Vec<_> = group.texts.iter().map(|text| text.map(str::to_owned)).collect();
        group.each_slot(&mut |slot, sums| {
            let told = (sums.measures(), sums.counted_price);
            assert_eq!(all.insert((group.integration, texts.clone(), i64::from(slot)), told), None);
        })
    })?;
    Ok(all)
}

#[test]
fn rollups_of_version_1_read_as_ever() {
    let meta: RollupMeta =
        serde_json::from_slice(&std::fs::read(format!("{FIXTURES}/rollup-1.json")).unwrap()).unwrap();
    let file = RollupFile { disk: fixtures(), path: format!("segments/{NAME}"), meta };
    file.verify().unwrap();
    let sets: [(usize, &[Text]); 2] = [
        (1, &[Text::Campaign, Text::Country, Text::AdType]),
        (2, &[Text::Advertiser, Text::Publisher, Text::OfferId]),
    ];
    for (set, columns) in sets {
        let mut expected = Summed::new();
        for event in events() {
            let texts = columns.iter().map(|column| event.text(*column).map(str::to_owned)).collect();
            let slot = (event.id.time().millis() - event.id.time().day().start().millis()) / 900_000;
            let sums = expected.entry((event.integration, texts, slot)).or_default();
            let is_monitored = event.flag(Number::MonitoringMode);
            sums.0.total += 1;
            let counts = match (event.status(), is_monitored) {
                (Some(Status::Approved), _) => {
                    sums.0.approved += 1;
                    true
                }
                (Some(Status::Rejected), true) => {
                    sums.0.monitored += 1;
                    true
                }
                (Some(Status::Rejected), false) => {
                    sums.0.rejected += 1;
                    false
                }
                (None, _) => false,
            };
            sums.0.revenue += i128::from(event.number(Number::Revenue).unwrap_or(0));
            sums.0.payout += i128::from(event.number(Number::Payout).unwrap_or(0));
            sums.1 += if counts { i128::from(event.number(Number::Price).unwrap_or(0)) } else { 0 };
        }
        assert_eq!(said(&file, set).unwrap(), expected);
    }
    assert!(file.section(0).unwrap().is_some());
}

#[test]
fn damage_is_told_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()).unwrap());
    disk.create_dir("segments").unwrap();
    let meta = write(&*disk, NAME, &fold(&events())).unwrap().unwrap();
    publish(&*disk, &[NAME]).unwrap();
    let path = folder.path().join("segments").join(NAME);
    let whole = std::fs::read(&path).unwrap();
    let file = RollupFile { disk, path: format!("segments/{NAME}"), meta };
    let any = |file: &RollupFile| (0..5).try_for_each(|set| file.section(set).map(|_| ()));
    any(&file).unwrap();
    for at in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x11;
        std::fs::write(&path, &damaged).unwrap();
        assert!(matches!(any(&file), Err(SegmentError::Damaged { .. })), "byte {at}");
        assert!(file.verify().is_err());
    }
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(any(&file), Err(SegmentError::Damaged { .. })));
}

#[test]
fn a_set_with_too_many_values_is_given_up_and_the_others_are_kept() {
    let event = |n: i64| {
        let mut event = Event::new(EventKind::Click, "abcdefghij".parse().unwrap());
        event.id = TxId::new(Timestamp::from_millis(20_000 * 86_400_000 + n), n as u128);
        event.set_text(Text::OfferId, &format!("offer {n}"));
        event
    };
    let events: Vec<Event> = (0..300).map(event).collect();
    let mut with_offers = [true; 5];
    with_offers[2] = false;
    assert_eq!(fold(&events).alive().0, with_offers);
    assert_eq!(fold(&events[..200]).alive().0, [true; 5]);
}

#[test]
fn weeks_begin_on_monday_and_months_on_the_first() {
    let day = |text: &str| Day::parse("day", text).unwrap();
    for (at, monday, first) in [
        ("2026-11-22", "2026-11-16", "2026-11-01"),
        ("2026-11-16", "2026-11-16", "2026-11-01"),
        ("2026-03-01", "2026-02-23", "2026-03-01"),
    ] {
        assert_eq!(Step::Week.start(day(at)), day(monday));
        assert_eq!(Step::Month.start(day(at)), day(first));
        assert_eq!(Step::Day.start(day(at)), day(at));
    }
}
