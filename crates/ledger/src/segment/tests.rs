//! The life of a segment's file, and files that are not what they should be.

use super::*;
use crate::disk::{Disk, DiskFile, RealDisk};
use crate::row;
use bytes::Bytes;
use proptest::prelude::*;
use std::sync::Arc;
use tollgate_domain::{
    AMENDABLE, Amendment, Column, Day, Event, EventKind, IntegrationId, Number, Text, Timestamp, TxId,
};

const DAY: Day = Day::from_number(20_000);
const SMALL: Layout = Layout { group_rows: 40, page_rows: 8 };

fn owner(number: u64) -> IntegrationId {
    format!("aaaaaa{number:04}").parse().unwrap()
}

fn events(count: u64, owners: u64) -> Vec<Event> {
    let event = |n: u64| {
        let mut event = Event::new(EventKind::Click, owner(n % owners));
        let time = Timestamp::from_millis(DAY.start().millis() + n as i64);
        (event.id, event.seq) = (TxId::new(time, u128::from(n)), n + 1);
        event.set_number(Number::RequestTime, time.millis());
        event.set_text(Text::ExternalTransactionId, &format!("external {n}"));
        event
    };
    (0..count).map(event).collect()
}

fn encoded(events: &[Event]) -> Vec<Vec<u8>> {
    let encode = |event: &Event| {
        let mut bytes = Vec::new();
        row::encode(event, &mut bytes);
        bytes
    };
    events.iter().map(encode).collect()
}

struct Home {
    disk: Arc<dyn Disk>,
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { disk: Arc::new(RealDisk::new(folder.path()).unwrap()), folder }
    }

    fn write(&self, name: &str, events: &[Event]) -> Result<SegmentMeta, SegmentError> {
        let rows = encoded(events);
        let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        write_as(SMALL, &*self.disk, name, EventKind::Click, DAY, &rows)
    }

    fn files(&self) -> Vec<String> {
        let mut names = self.disk.list(DIR).unwrap();
        names.sort();
        names
    }

    fn open(&self, meta: SegmentMeta, cache: &Arc<FooterCache>) -> Segment {
        Segment::open(self.disk.clone(), meta, cache.clone())
    }
}

#[test]
fn a_file_has_its_name_only_once_it_is_published_and_strays_go() {
    let home = Home::new();
    home.write("a.parquet", &events(10, 1)).unwrap();
    home.write("b.parquet", &events(10, 1)).unwrap();
    home.write("c.parquet", &events(10, 1)).unwrap();
    assert_eq!(home.files(), ["tmp-a.parquet", "tmp-b.parquet", "tmp-c.parquet"]);
    publish(&*home.disk, &["a.parquet", "b.parquet"]).unwrap();
    let removed = remove_strays(&*home.disk, &|name| name == "a.parquet").unwrap();
    assert_eq!(removed.len(), 2);
    assert_eq!(home.files(), ["a.parquet"]);
}

#[test]
fn a_doomed_file_goes_with_its_last_user() {
    let home = Home::new();
    let meta = home.write("a.parquet", &events(10, 1)).unwrap();
    publish(&*home.disk, &["a.parquet"]).unwrap();
    let cache = FooterCache::new(1 << 20);
    let first = Arc::new(home.open(meta, &cache));
    let second = first.clone();
    assert!(first.find(owner(0), events(10, 1)[4].id).unwrap().is_some());
    first.doom();
    drop(first);
    assert!(second.find(owner(0), events(10, 1)[5].id).unwrap().is_some());
    assert_eq!(home.files().len(), 1);
    drop(second);
    assert!(home.files().is_empty());
    assert_eq!(cache.bytes(), 0);
}

#[test]
fn rows_that_do_not_belong_are_refused_and_nothing_stays() {
    let home = Home::new();
    let mut other_day = events(3, 1);
    other_day[1].id = TxId::first_at(Day::from_number(20_001).start());
    let mut other_kind = events(3, 1);
    other_kind[2].kind = EventKind::Impression;
    for rows in [&other_day[..], &other_kind[..], &[]] {
        assert!(matches!(home.write("a.parquet", rows), Err(SegmentError::Rows { .. })));
    }
    let whole = encoded(&events(1, 1));
    let cut = &whole[0][..whole[0].len() - 1];
    let refused = write(&*home.disk, "a.parquet", EventKind::Click, DAY, &[cut]);
    assert!(matches!(refused, Err(SegmentError::Rows { .. })));
    assert!(home.files().is_empty());
}

/// A disk that is full after so many bytes.
struct Narrow(Arc<dyn Disk>, u64);

struct NarrowFile(Arc<dyn DiskFile>, u64);

impl Disk for Narrow {
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(NarrowFile(self.0.create(path)?, self.1)))
    }
    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.0.open(path)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, path: &str) -> io::Result<()> {
        self.0.remove(path)
    }
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }
    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.0.create_dir(dir)
    }
    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.0.sync_dir(dir)
    }
    fn free_bytes(&self) -> io::Result<u64> {
        Ok(self.1)
    }
}

impl DiskFile for NarrowFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if offset + bytes.len() as u64 > self.1 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.write_at(offset, bytes)
    }
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, bytes)
    }
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }
    fn allocate(&self, length: u64) -> io::Result<()> {
        self.0.allocate(length)
    }
    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}

#[test]
fn a_full_disk_says_so_wherever_it_fills_and_nothing_stays() {
    let home = Home::new();
    let mut events = events(6000, 1);
    for (n, event) in events.iter_mut().enumerate() {
        // Little that repeats, so that the file is several chunks long.
        let noise: String = (0..40u64)
            .map(|i| format!("{:x}", (n as u64 + 1).wrapping_mul(i * 2 + 0x9e37_79b9_7f4a_7c15)))
            .collect();
        event.set_text(Text::UserAgent, &noise);
    }
    let rows = encoded(&events);
    let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
    let room = home.write("room.parquet", &events).unwrap().bytes;
    assert!(room > 1 << 20, "{room}");
    for space in [0, 600_000, room - 1] {
        let disk = Narrow(home.disk.clone(), space);
        let refused = write_as(SMALL, &disk, "a.parquet", EventKind::Click, DAY, &rows);
        let Err(SegmentError::Disk { source, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
        assert_eq!(home.files(), ["tmp-room.parquet"]);
    }
}

#[test]
fn more_integrations_than_the_manifest_lists_are_all_found() {
    let home = Home::new();
    let events = events(1200, 1100);
    let meta = home.write("a.parquet", &events).unwrap();
    publish(&*home.disk, &["a.parquet"]).unwrap();
    assert_eq!((meta.integrations.as_ref(), meta.rows), (None, 1200));
    let segment = home.open(meta, &FooterCache::new(0));
    for event in events.iter().step_by(37) {
        assert_eq!(segment.find(event.integration, event.id).unwrap().as_ref(), Some(event));
        assert_eq!(segment.find(owner(5000), event.id).unwrap(), None);
    }
}

#[test]
fn the_cache_gives_up_the_footers_that_were_not_used_for_longest() {
    let home = Home::new();
    let mut metas = Vec::new();
    for number in 0..6 {
        let name = format!("{number}.parquet");
        metas.push(home.write(&name, &events(100, 1)).unwrap());
        publish(&*home.disk, &[&name]).unwrap();
    }
    let probe = FooterCache::new(1 << 20);
    let segment = home.open(metas[0].clone(), &probe);
    segment.check().unwrap();
    let one = probe.bytes();
    let cache = FooterCache::new(one * 3 + one / 2);
    let segments: Vec<_> = metas.into_iter().map(|meta| home.open(meta, &cache)).collect();
    for segment in segments.iter().chain(&segments[..2]) {
        segment.check().unwrap();
        assert!(cache.bytes() <= one * 4, "{} of {one} each", cache.bytes());
    }
    assert!(cache.bytes() >= one * 2);

    let cache = FooterCache::new(one * 4);
    let warmed = segments.iter().map(|segment| home.open(segment.meta().clone(), &cache));
    let warmed: Vec<bool> = warmed.map(|segment| segment.warm().unwrap()).collect();
    assert_eq!(warmed, [true, true, true, true, true, true], "each is forgotten when its segment is closed");
    let open: Vec<_> = segments.iter().map(|segment| home.open(segment.meta().clone(), &cache)).collect();
    let warmed: Vec<bool> = open.iter().map(|segment| segment.warm().unwrap()).collect();
    assert_eq!(warmed, [true, true, true, false, false, false], "a quarter is left for what is asked for");
}

/// Asks a segment everything; what it answers does not matter, only that it answers.
fn ask_everything(segment: &Segment) -> Result<(), SegmentError> {
    segment.find(owner(1), events(100, 3)[40].id)?;
    let footer = segment.footer()?;
    let rows = segment.rows_of(&footer, owner(2));
    segment.newest_with_text(&footer, rows, (Text::ExternalTransactionId, "external 50"), &|_| true)?;
    segment.with_seq(&footer, &(20..70))?;
    segment.events(&footer, &mut IdWindow::default(), &(0..segment.meta().rows).collect::<Vec<_>>())?;
    Ok(())
}

#[test]
fn a_file_of_another_size_is_reported() {
    let home = Home::new();
    let meta = home.write("a.parquet", &events(100, 3)).unwrap();
    publish(&*home.disk, &["a.parquet"]).unwrap();
    let file = home.folder.path().join(path("a.parquet"));
    let bytes = std::fs::read(&file).unwrap();
    for wrong in [&bytes[..bytes.len() - 1], &[][..]] {
        std::fs::write(&file, wrong).unwrap();
        let segment = home.open(meta.clone(), &FooterCache::new(0));
        assert!(matches!(segment.check(), Err(SegmentError::Damaged { .. })));
    }
    std::fs::remove_file(&file).unwrap();
    let segment = home.open(meta, &FooterCache::new(0));
    assert!(matches!(segment.check(), Err(SegmentError::Disk { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_files_are_read_without_panic(damages in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let home = Home::new();
        let meta = home.write("a.parquet", &events(100, 3)).unwrap();
        publish(&*home.disk, &["a.parquet"]).unwrap();
        let file = home.folder.path().join(path("a.parquet"));
        let whole = std::fs::read(&file).unwrap();
        // Damage anywhere, and damage in the footer, which is a small part of the file.
        for window in [whole.len(), 400.min(whole.len()), 2000.min(whole.len())] {
            let mut bytes = whole.clone();
            for (at, to) in &damages {
                let at = whole.len() - 1 - at.index(window);
                bytes[at] = *to;
            }
            std::fs::write(&file, &bytes).unwrap();
            let segment = home.open(meta.clone(), &FooterCache::new(0));
            prop_assert_eq!(segment.verify().is_ok(), bytes == whole);
            let _ = ask_everything(&home.open(meta.clone(), &FooterCache::new(0)));
        }
    }
}

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

/// Events with a value in every column of version 1, some of them odd.
fn events_of_version_1() -> Vec<Event> {
    let mut events = events(20, 3);
    for (n, event) in events.iter_mut().enumerate() {
        event.key = n as u128 * 7;
        for (i, column) in Text::ALL[..60].iter().enumerate().filter(|(i, _)| (i + n) % 3 == 0) {
            event.set_text(*column, &["", "plain", "\u{e9}\u{1f600}\n"][(i * 7 + n) % 3].repeat(n));
        }
        for (i, column) in Number::ALL[1..18].iter().enumerate().filter(|(i, _)| (i + n) % 4 != 0) {
            let value = [-1, 0, 1, 1 << 40][(i + n) % 4];
            let flag = column.column_type() == tollgate_domain::ColumnType::Boolean;
            event.set_number(*column, if flag { value & 1 } else { value });
        }
    }
    events
}

/// Wrote the fixtures when version 1 was made. A new version gets fixtures of its own; these stay as they are.
#[test]
#[ignore = "writes files of the repository"]
fn write_fixtures_of_version_1() {
    let disk = RealDisk::new(FIXTURES).unwrap();
    let events = events_of_version_1();
    let rows = encoded(&events);
    std::fs::write(format!("{FIXTURES}/rows-1.bin"), rows.concat()).unwrap();
    let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
    let meta = write_as(SMALL, &disk, "segment-1.parquet", EventKind::Click, DAY, &rows).unwrap();
    publish(&disk, &["segment-1.parquet"]).unwrap();
    std::fs::write(format!("{FIXTURES}/segment-1.json"), serde_json::to_vec_pretty(&meta).unwrap()).unwrap();
}

#[test]
fn fixtures_of_version_1_read_as_ever() {
    let events = events_of_version_1();
    assert_eq!(std::fs::read(format!("{FIXTURES}/rows-1.bin")).unwrap(), encoded(&events).concat());
    let meta = std::fs::read(format!("{FIXTURES}/segment-1.json")).unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(FIXTURES).unwrap());
    let segment = Segment::open(disk, serde_json::from_slice(&meta).unwrap(), FooterCache::new(0));
    segment.verify().unwrap();
    for event in &events {
        assert_eq!(segment.find(event.integration, event.id).unwrap().as_ref(), Some(event));
    }
}

/// Amendments that set every column that could be amended when overlays had version 1.
fn amendments_of_version_1() -> Vec<Amendment> {
    let events = events_of_version_1();
    let amend = |(n, at): (usize, &usize)| {
        let mut amendment = Amendment::of(&events[*at], Timestamp::from_millis(DAY.start().millis() + 100));
        let record = &mut amendment.record;
        (record.seq, record.key) = (100 + n as u64, n as u128);
        for column in &AMENDABLE[..10] {
            match column {
                Column::Text(column) => record.set_text(*column, &"\u{e9}\"".repeat(n)),
                Column::Number(column) => record.set_number(*column, n as i64 % 2),
            }
        }
        amendment
    };
    [3, 7, 3].iter().enumerate().map(amend).collect()
}

fn amendment_rows() -> Vec<Bytes> {
    let encode = |amendment: &Amendment| {
        let mut row = Vec::new();
        row::encode_amendment(amendment, &mut row);
        Bytes::from(row)
    };
    amendments_of_version_1().iter().map(encode).collect()
}

/// Wrote the fixture when overlays had version 1.
#[test]
#[ignore = "writes files of the repository"]
fn write_fixture_of_overlays() {
    let disk = RealDisk::new(FIXTURES).unwrap();
    let meta = write_overlay(&disk, "segment-1.parquet", 1, &amendment_rows()).unwrap();
    publish(&disk, &["segment-1.parquet.overlay-1"]).unwrap();
    std::fs::write(format!("{FIXTURES}/overlay-1.json"), serde_json::to_vec_pretty(&meta).unwrap()).unwrap();
}

#[test]
fn overlays_of_version_1_read_as_ever() {
    let meta = std::fs::read(format!("{FIXTURES}/overlay-1.json")).unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(FIXTURES).unwrap());
    let meta = serde_json::from_slice(&meta).unwrap();
    let overlay = Overlay::open(disk, "segment-1.parquet", meta, FooterCache::new(0));
    let amendments = overlay.amendments().unwrap();
    let mut rows: Vec<_> = amendments.entries().iter().map(|entry| (entry.seq, entry.row.clone())).collect();
    rows.sort_unstable();
    assert_eq!(rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>(), amendment_rows());
    let again = amendments.entries().iter().map(|e| row::RowView::parse(&e.row).unwrap().to_amendment());
    let mut again: Vec<Amendment> = again.collect();
    again.sort_by_key(Amendment::seq);
    assert_eq!(again, amendments_of_version_1());
}

/// The fixture is as version 1 of delete vectors is written: two runs, of rows 2 to 4 and of row 9.
#[test]
fn delete_vectors_of_version_1_read_as_ever_and_damage_is_told() {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(FIXTURES).unwrap());
    let mut meta: SegmentMeta =
        serde_json::from_slice(&std::fs::read(format!("{FIXTURES}/segment-1.json")).unwrap()).unwrap();
    let deletes: DeletesMeta =
        serde_json::from_slice(&std::fs::read(format!("{FIXTURES}/deletes-1.json")).unwrap()).unwrap();
    meta.deletes = Some(deletes.clone());
    let segment = Segment::open(disk.clone(), meta.clone(), FooterCache::new(0));
    let expected = RowSet::new(vec![2..5, 9..10]);
    assert_eq!(segment.deleted().unwrap(), Some(&expected));
    assert_eq!(segment.meta().live_rows(), 16);
    let footer = segment.footer().unwrap();
    assert_eq!(segment.with_seq(&footer, &(0..100)).unwrap().len(), 16);
    let home = Home::new();
    home.disk.create_dir(DIR).unwrap();
    assert_eq!(write_deletes(&*home.disk, "segment-1.parquet", 1, &expected).unwrap(), deletes);
    meta.deletes = Some(DeletesMeta { crc: deletes.crc ^ 1, ..deletes });
    let segment = Segment::open(disk, meta, FooterCache::new(0));
    assert!(matches!(segment.deleted(), Err(SegmentError::Damaged { .. })));
}
