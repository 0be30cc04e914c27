//! What is picked from a segment is what was written into it, whatever its columns are like.

use crate::disk::{Disk, DiskFile, RealDisk};
use crate::row;
use crate::segment::columnar::Wanted;
use crate::segment::footer::Footer;
use crate::segment::{FooterCache, IdWindow, Layout, Segment, publish, write_as};
use proptest::prelude::*;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use tollgate_domain::{
    Column, ColumnType, Day, Event, EventKind, IntegrationId, Number, Text, Timestamp, TxId,
};

const DAY: Day = Day::from_number(20_000);

/// What a column is like: one row of how many has a value, one of how many values, and how long texts are.
#[derive(Debug, Clone, Copy)]
struct Likeness {
    every: u64,
    distinct: u64,
    length: usize,
}

fn likeness() -> impl Strategy<Value = Likeness> {
    let every = prop_oneof![Just(0), Just(1), Just(2), Just(7), Just(300)];
    let distinct = prop_oneof![Just(1), Just(3), Just(40), Just(700), Just(u64::MAX)];
    (every, distinct, prop_oneof![Just(0usize), Just(9), Just(150)])
        .prop_map(|(every, distinct, length)| Likeness { every, distinct, length })
}

fn mixed(number: u64, salt: u64) -> u64 {
    let z = (number ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z ^ (z >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 1
}

fn event(n: u64, columns: &[(Column, Likeness)]) -> Event {
    let owner: IntegrationId = format!("aaaaaaaa{:02}", n % 3).parse().unwrap();
    let mut event = Event::new(EventKind::Click, owner);
    let time = Timestamp::from_millis(DAY.start().millis() + (n * 13) as i64);
    (event.id, event.seq) = (TxId::new(time, u128::from(mixed(n, 7))), n + 1);
    if n.is_multiple_of(3) {
        event.key = u128::from(mixed(n, 8)) << 50 | 1;
    }
    for (salt, (column, like)) in (10..).zip(columns) {
        if like.every == 0 || !mixed(n, salt).is_multiple_of(like.every) {
            continue;
        }
        let value = mixed(n, salt + 100) % like.distinct;
        match column {
            Column::Text(column) => event.set_text(*column, &format!("{value}{}", "ä".repeat(like.length))),
            Column::Number(column) if column.column_type() == ColumnType::Boolean => {
                event.set_number(*column, (value % 2) as i64);
            }
            Column::Number(Number::RequestTime) => event.set_number(Number::RequestTime, time.millis()),
            Column::Number(column) => event.set_number(*column, value as i64 - (1 << 40)),
        }
    }
    event
}

fn segment(disk: &Arc<dyn Disk>, layout: Layout, events: &[Event]) -> Segment {
    let encode = |event: &Event| {
        let mut bytes = Vec::new();
        row::encode(event, &mut bytes);
        bytes
    };
    let rows: Vec<Vec<u8>> = events.iter().map(encode).collect();
    let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
    let meta = write_as(layout, &**disk, "a.parquet", EventKind::Click, DAY, &rows).unwrap();
    publish(&**disk, &["a.parquet"]).unwrap();
    Segment::open(disk.clone(), meta, FooterCache::new(1 << 20))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rows_are_picked_as_they_were_written(
        rows in 1..4000u64,
        group_rows in 50..3000usize,
        page_rows in 5..600usize,
        likenesses in proptest::collection::vec(likeness(), Text::ALL.len() + Number::ALL.len()),
        steps in proptest::collection::vec(1..400usize, 1..60),
    ) {
        let texts = Text::ALL.iter().copied().map(Column::Text);
        let columns: Vec<_> =
            texts.chain(Number::ALL.iter().copied().map(Column::Number)).zip(likenesses).collect();
        let mut events: Vec<Event> = (0..rows).map(|n| event(n, &columns)).collect();
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()).unwrap());
        let segment = segment(&disk, Layout { group_rows, page_rows }, &events);
        events.sort_unstable_by_key(|event| (event.integration, event.id));

        let footer = segment.footer().unwrap();
        let mut window = IdWindow::default();
        let mut wanted: Vec<usize> = Vec::new();
        for step in steps {
            wanted.push(wanted.last().map_or(0, |last| last + step));
        }
        wanted.retain(|row| *row < events.len());
        for chosen in [wanted, (0..events.len()).collect()] {
            let at: Vec<u64> = chosen.iter().map(|row| *row as u64).collect();
            let picked = segment.events(&footer, &mut window, &at).unwrap();
            prop_assert_eq!(picked.len(), chosen.len());
            for (picked, row) in picked.iter().zip(chosen) {
                prop_assert_eq!(picked, &events[row]);
            }
        }
    }
    #[test]
    fn the_newest_row_with_a_text_or_a_key_is_found(
        rows in 1..3000u64,
        group_rows in 50..2000usize,
        page_rows in 5..600usize,
        like in likeness(),
        asked in 0..3000u64,
        taken in 1..5u64,
    ) {
        let column = Text::ExternalTransactionId;
        let events: Vec<Event> = (0..rows).map(|n| event(n, &[(Column::Text(column), like)])).collect();
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()).unwrap());
        let segment = segment(&disk, Layout { group_rows, page_rows }, &events);
        let footer = segment.footer().unwrap();
        // One that is there as a rule, and one that is not.
        let given = events.get(asked as usize).and_then(|event| event.text(column)).unwrap_or("none");
        for (owner, text) in [("aaaaaaaa00", given), ("aaaaaaaa01", given), ("aaaaaaaa02", "nowhere")] {
            let owner: IntegrationId = owner.parse().unwrap();
            let accept = |event: &Event| event.seq.is_multiple_of(taken);
            let own = events.iter().filter(|event| event.integration == owner);
            let is_it = |event: &&Event| event.text(column) == Some(text) && accept(event);
            let newest = own.clone().filter(is_it).max_by_key(|event| event.id);
            let rows = segment.rows_of(&footer, owner);
            let found = segment.newest_with_text(&footer, rows, (column, text), &accept).unwrap();
            prop_assert_eq!(found.as_ref(), newest);

            let key = events.get(asked as usize).map_or(1, |event| event.key.max(1));
            let with_key = own.filter(|event| event.key == key && accept(event)).max_by_key(|event| event.id);
            let found = segment.newest_with_key(&footer, owner, key, &accept).unwrap();
            prop_assert_eq!(found.as_ref(), with_key);
        }
    }
}

/// A file that keeps what was said of reads, and what was read.
struct Watched(Arc<dyn DiskFile>, Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    told: Vec<Range<u64>>,
    read: Vec<Range<u64>>,
    /// Something was told of after other such parts had been read.
    late: bool,
}

impl DiskFile for Watched {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, bytes)
    }
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.1.lock().unwrap().read.push(offset..offset + bytes.len() as u64);
        self.0.read_at(offset, bytes)
    }
    fn will_read(&self, part: Range<u64>) {
        self.0.will_read(part.clone());
        let mut heard = self.1.lock().unwrap();
        let is_late = heard.read.iter().any(|read| heard.told.contains(read));
        heard.late |= is_late;
        heard.told.push(part);
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
fn all_columns_are_asked_for_before_the_first_is_read() {
    let texts = Text::ALL.iter().copied().map(Column::Text);
    let like = Likeness { every: 1, distinct: 40, length: 9 };
    let columns: Vec<_> = texts.map(|column| (column, like)).collect();
    let events: Vec<Event> = (0..4000).map(|n| event(n, &columns)).collect();
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()).unwrap());
    let segment = segment(&disk, Layout { group_rows: 4000, page_rows: 50 }, &events);
    let heard = Arc::new(Mutex::new(Heard::default()));
    let file = Watched(disk.open("segments/a.parquet").unwrap(), heard.clone());
    let footer = Footer::read("a.parquet", Arc::new(file), segment.meta()).unwrap();
    let owner: IntegrationId = "aaaaaaaa01".parse().unwrap();
    let rows = segment.rows_of(&footer, owner);
    let picked = [rows.start, rows.start + 500, rows.start + 501];
    let mut window = IdWindow::default();
    segment.id(&footer, &mut window, picked[0]).unwrap();
    let taken = || std::mem::take(&mut *heard.lock().unwrap());
    taken();

    // The first time with the dictionaries, which are kept from then on.
    for times in ["first", "second"] {
        segment.events(&footer, &mut window, &picked).unwrap();
        let Heard { told, read, late } = taken();
        assert!(!late, "the {times} time");
        let of_columns = read.iter().filter(|read| told.contains(read)).count();
        assert!(of_columns >= 2 * Text::ALL.len(), "the {times} time {of_columns} of {}", read.len());
        let unread: Vec<_> = told.iter().filter(|told| !read.contains(told)).collect();
        assert!(unread.is_empty(), "told of and not read: {unread:?}");
    }

    let wanted = Wanted { ids: false, seqs: true, columns: vec![Column::Text(Text::Country)] };
    let run = rows.start + 100..rows.start + 700;
    segment.columns(&footer, &wanted, owner, std::slice::from_ref(&run)).unwrap();
    let Heard { told, read, late } = taken();
    assert!(!late);
    let is_told =
        |read: &Range<u64>| told.iter().any(|told| told.start <= read.start && read.end <= told.end);
    assert_eq!(told.len(), 3, "two columns and a dictionary: {told:?}");
    assert!(!read.is_empty() && read.iter().all(is_told), "{told:?}, {read:?}");
}
