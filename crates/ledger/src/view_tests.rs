//! Views compared with a plain list of the same events, however those are spread over segments and open frames.

use crate::disk::{Disk, RealDisk};
use crate::open::OpenRows;
use crate::query::{Cursor, PageQuery, Predicate};
use crate::rollup::{self, Fold};
use crate::row;
use crate::segment::{self, FooterCache, IdWindow, Layout, RowSet, Segment, SegmentMeta};
use crate::seq_scan::Record;
use crate::view::{Page, View};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tollgate_domain::{
    Amendment, Event, EventKind, IntegrationId, KINDS_ALL, Number, Status, Text, Timestamp, TxId,
};

const INTEGRATIONS: [&str; 3] = ["aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc"];
pub(crate) const DAY_MS: i64 = 86_400_000;

pub(crate) fn integration(number: usize) -> IntegrationId {
    INTEGRATIONS[number].parse().unwrap()
}

/// An event, but for its `seq`. Times are few, so that many ids share their millisecond.
pub(crate) fn any_event() -> impl Strategy<Value = Event> {
    let place = (0usize..3, 0usize..4, 20_000i64..20_003, 0i64..6, any::<u64>());
    let texts = (0u8..4, 0u8..4, 0u8..5, 0u8..4, any::<bool>());
    let numbers = (proptest::option::of(-3i64..3), any::<bool>(), any::<bool>(), 0u64..20);
    (place, texts, numbers).prop_map(|(place, texts, numbers)| {
        let (owner, kind, day, slot, hash) = place;
        let mut event = Event::new(KINDS_ALL[kind.min(2)], integration(owner));
        let time = Timestamp::from_millis(day * DAY_MS + slot * 14_000_000);
        event.id = TxId::new(time, u128::from(hash));
        event.set_number(Number::RequestTime, time.millis());
        event.set_number(Number::ArrivalTime, time.millis() + 5);
        let (publisher, external, rejections, offer, long) = texts;
        if publisher > 0 {
            event.set_text(Text::Publisher, ["", "pub", "publisher-2"][usize::from(publisher) - 1]);
        }
        if external > 0 {
            event.set_text(Text::ExternalTransactionId, &format!("x{external}"));
        }
        let reasons = [None, Some("[]"), Some(r#"["BOT"]"#), Some(r#"["BOT","TOR"]"#), Some(r#"["TOR"]"#)];
        if let Some(reasons) = reasons[usize::from(rejections)] {
            event.set_text(Text::Rejections, reasons);
        }
        event.set_text(
            Text::OfferId,
            &format!("offer-{offer}{}", if long { "-wide".repeat(20) } else { String::new() }),
        );
        let (revenue, bot, approved, key) = numbers;
        if let Some(revenue) = revenue {
            event.set_number(Number::Revenue, revenue * 500_000);
        }
        event.set_number(Number::IsBot, i64::from(bot));
        event.set_status(if approved { Status::Approved } else { Status::Rejected });
        event.key = u128::from(key.saturating_sub(15));
        event
    })
}

/// What a predicate is to mean, said independently of how it is computed.
pub(crate) type Meaning = fn(&Event) -> bool;

pub(crate) const PREDICATES: &[(&str, Option<&str>, &str, Meaning)] = &[
    ("publisher", None, "pub", |e| e.text(Text::Publisher) == Some("pub")),
    ("publisher", Some("ne"), "pub", |e| e.text(Text::Publisher) != Some("pub")),
    ("publisher", None, "", |e| e.text_or_empty(Text::Publisher).is_empty()),
    ("publisher", Some("contains"), "2", |e| e.text_or_empty(Text::Publisher).contains('2')),
    ("publisher", Some("gt"), "pub", |e| e.text(Text::Publisher).is_some_and(|t| t > "pub")),
    ("advertiser", None, "nobody", |_| false),
    ("advertiser", Some("ne"), "nobody", |_| true),
    ("offer_id", Some("in"), "offer-1, offer-2", |e| {
        ["offer-1", "offer-2"].contains(&e.text_or_empty(Text::OfferId))
    }),
    ("revenue", Some("gte"), "0.5", |e| e.number(Number::Revenue).is_some_and(|m| m >= 500_000)),
    ("revenue", Some("ne"), "1", |e| e.number(Number::Revenue) != Some(1_000_000)),
    ("is_bot", None, "true", |e| e.flag(Number::IsBot)),
    ("status", None, "rejected", |e| e.status() == Some(Status::Rejected)),
    ("rejections", None, "TOR", |e| e.text_or_empty(Text::Rejections).contains("TOR")),
    ("rejections", Some("ne"), "TOR", |e| !e.text_or_empty(Text::Rejections).contains("TOR")),
    ("rejection", None, "TOR", |e| e.text_or_empty(Text::Rejections).starts_with(r#"["TOR"#)),
    ("rejection", None, "", |e| matches!(e.text(Text::Rejections), None | Some("[]"))),
    ("tx_id", None, "x2", |e| e.text(Text::ExternalTransactionId) == Some("x2")),
    ("tx_id", Some("lt"), "x", |e| e.text(Text::ExternalTransactionId).is_none()),
    ("request_time", Some("lt"), "2024-10-05 08:00:00", |e| e.at().millis() < 1_728_115_200_000),
    ("real_tx_id", Some("gte"), "01J9DJP2800000000000000000", |e| e.id.to_string().as_str() >= "01J9DJP280"),
    ("external_transaction_id", None, "x2", |e| e.text(Text::ExternalTransactionId) == Some("x2")),
    ("external_transaction_id", None, "unheard-of", |_| false),
    ("revenue", Some("gt"), "1", |e| e.number(Number::Revenue).is_some_and(|m| m > 1_000_000)),
    ("publisher", Some("lte"), "", |e| e.text(Text::Publisher) == Some("")),
    ("integration_id", None, "bbbbbbbbbb", |e| e.integration.as_str() == "bbbbbbbbbb"),
    ("kind", Some("ne"), "click", |e| e.kind != EventKind::Click),
];

/// The history both ways.
pub(crate) struct Both {
    pub(crate) view: View,
    /// Newest first.
    pub(crate) events: Vec<Event>,
    _folder: tempfile::TempDir,
}

fn frame(events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for event in events {
        let start = bytes.len();
        bytes.extend_from_slice(&[0; 4]);
        row::encode(event, &mut bytes);
        let length = (bytes.len() - start - 4) as u32;
        bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }
    bytes
}

impl std::fmt::Debug for Both {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let metas: Vec<_> = self.view.segments().iter().map(|segment| segment.meta()).collect();
        let events: Vec<_> = self.events.iter().map(|e| (e.seq, e.kind, e.integration, e.id)).collect();
        f.debug_struct("Both").field("segments", &metas).field("events", &events).finish()
    }
}

/// Spreads `events`: each number of `seals` is how many go into the next sealed lot, those of `frames` into the next
/// open frame; what is left forms one last frame.
/// With 1 added to `files` some sealed rows are deleted, with 2 each kind and day has one segment in the end, with 4 there
/// are sums of segments.
fn spread(events: Vec<Event>, seals: &[usize], frames: &[usize], layout: (Layout, u8)) -> Both {
    spread_amended(events, seals, frames, layout, &[])
}

/// [`spread`], and then an amendment of each event that `amended` names, with what it sets.
pub(crate) fn spread_amended(
    mut events: Vec<Event>,
    seals: &[usize],
    frames: &[usize],
    (layout, files): (Layout, u8),
    amended: &[(usize, u8)],
) -> Both {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()).unwrap());
    // Tiny, so that footers come and go.
    let cache = FooterCache::new(30_000);
    for (seq, event) in events.iter_mut().enumerate() {
        event.seq = seq as u64 + 1;
    }
    let mut rest = &events[..];
    let mut segments = Vec::new();
    for lot in seals {
        let (sealed, later) = rest.split_at((*lot).min(rest.len()));
        rest = later;
        let mut open = OpenRows::new();
        push(&mut open, sealed);
        let snapshot = open.snapshot();
        for group in snapshot.groups(u64::MAX).unwrap() {
            let name = SegmentMeta::file_name(group.kind, group.day, segments.len() as u64);
            let meta = segment::write_as(layout, &*disk, &name, group.kind, group.day, &group.rows).unwrap();
            segment::publish(&*disk, &[&name]).unwrap();
            let mut fold = Fold::new(group.day, group.rows.len() as u64);
            fold.add_rows(&group.rows).unwrap();
            let meta = if files & 4 == 4 { summed_up(&disk, meta, &fold) } else { meta };
            let meta = serde_json::from_str(&serde_json::to_string(&meta).unwrap()).unwrap();
            segments.push(Arc::new(Segment::open(disk.clone(), meta, cache.clone())));
        }
    }
    let mut deleted: HashSet<TxId> = HashSet::new();
    if files & 1 == 1 {
        segments = segments.iter().map(|segment| delete_some(&disk, segment, &mut deleted)).collect();
    }
    if files & 2 == 2 {
        segments = merge((layout, files & 4 == 4), &disk, &cache, segments);
    }
    let mut open = OpenRows::new();
    for size in frames.iter().chain([&usize::MAX]) {
        let (now, later) = rest.split_at((*size).min(rest.len()));
        rest = later;
        push(&mut open, now);
    }
    let cut = events.len() as u64;
    for (seq, (at, what)) in (cut + 1..).zip(amended) {
        let event = &mut events[at % cut as usize];
        let mut amendment = Amendment::of(event, Timestamp::from_millis(0));
        amendment.record.seq = seq;
        match what % 3 {
            0 => amendment.record.set_text(Text::Rejections, r#"["LATE"]"#),
            1 => amendment.record.set_number(Number::Revenue, i64::from(*what) * 250_000),
            _ => amendment.record.set_status(Status::Rejected),
        }
        amendment.apply_to(event);
        let mut bytes = vec![0; 4];
        row::encode_amendment(&amendment, &mut bytes);
        let length = (bytes.len() - 4) as u32;
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        open.push(bytes.into(), seq, seq);
    }
    let view = View::new(segments.into(), open.snapshot(), cut + amended.len() as u64);
    events.retain(|event| !deleted.contains(&event.id));
    events.sort_by_key(|event| std::cmp::Reverse(event.id));
    Both { view, events, _folder: folder }
}

/// Gives a segment its sums.
fn summed_up(disk: &Arc<dyn Disk>, mut meta: SegmentMeta, fold: &Fold) -> SegmentMeta {
    let name = format!("{}{}", meta.name, segment::ROLLUP);
    meta.rollup = rollup::write(&**disk, &name, fold).unwrap();
    meta.rollup.iter().for_each(|_| segment::publish(&**disk, &[&name]).unwrap());
    meta
}

/// Deletes every fifth row of a segment, unless it is the only one.
fn delete_some(disk: &Arc<dyn Disk>, segment: &Arc<Segment>, deleted: &mut HashSet<TxId>) -> Arc<Segment> {
    let mut meta = segment.meta().clone();
    if meta.rows == 1 {
        return segment.clone();
    }
    let rows: Vec<u64> = (0..meta.rows).step_by(5).collect();
    let events = segment.events(&segment.footer().unwrap(), &mut IdWindow::default(), &rows).unwrap();
    deleted.extend(events.into_iter().map(|event| event.id));
    let rows = RowSet::new(rows.into_iter().map(|row| row..row + 1).collect());
    let deletes = segment::write_deletes(&**disk, &meta.name, 1, &rows).unwrap();
    segment::publish(&**disk, &[deletes.file_name(&meta.name)]).unwrap();
    meta.deletes = Some(deletes);
    Arc::new(segment.with_meta(meta))
}

fn merge(
    (layout, sums): (Layout, bool),
    disk: &Arc<dyn Disk>,
    cache: &Arc<FooterCache>,
    segments: Vec<Arc<Segment>>,
) -> Vec<Arc<Segment>> {
    let mut days: BTreeMap<_, Vec<Arc<Segment>>> = BTreeMap::new();
    for segment in segments {
        days.entry((segment.meta().kind, segment.meta().day)).or_default().push(segment);
    }
    let merge = |(n, ((kind, day), sources)): (usize, ((_, _), Vec<_>))| {
        let name = SegmentMeta::file_name(kind, day, 1000 + n as u64);
        let meta = segment::merge(layout, &**disk, &name, &sources, &mut || true).unwrap();
        segment::publish(&**disk, &[&name]).unwrap();
        let fold = rollup::of_sources(sources.iter().map(|source| &**source)).unwrap();
        let meta = if sums { summed_up(disk, meta, &fold) } else { meta };
        Arc::new(Segment::open(disk.clone(), meta, cache.clone()))
    };
    days.into_iter().enumerate().map(merge).collect()
}

fn push(open: &mut OpenRows, events: &[Event]) {
    if let (Some(first), Some(last)) = (events.first(), events.last()) {
        open.push(frame(events).into(), first.seq, last.seq);
    }
}

/// The page that the plain list gives.
fn naive(both: &Both, query: &PageQuery, meaning: &dyn Fn(&Event) -> bool) -> Page {
    let matching: Vec<&Event> = both
        .events
        .iter()
        .filter(|e| e.kind == query.kind && e.integration == query.integration)
        .filter(|e| query.from <= e.id && e.id < query.to)
        .filter(|e| query.as_of.is_none_or(|cut| e.seq <= cut) && meaning(e))
        .collect();
    let limit = usize::from(query.limit.min(100));
    let (from, to) = match query.cursor {
        Cursor::Newest => (0, limit.min(matching.len())),
        Cursor::After(id) => {
            let from = matching.iter().take_while(|e| e.id >= id).count();
            (from, (from + limit).min(matching.len()))
        }
        Cursor::Before(id) => {
            let to = matching.iter().take_while(|e| e.id > id).count();
            (to.saturating_sub(limit), to)
        }
    };
    if from == to {
        return Page::default();
    }
    Page {
        rows: matching[from..to].iter().map(|e| (*e).clone()).collect(),
        has_more_newer: from > 0,
        has_more_older: to < matching.len(),
    }
}

pub(crate) fn any_layout() -> impl Strategy<Value = Layout> {
    (4usize..200, 1usize..40).prop_map(|(group_rows, page_rows)| Layout { group_rows, page_rows })
}

fn any_history() -> impl Strategy<Value = Both> {
    (
        proptest::collection::vec(any_event(), 1..250),
        proptest::collection::vec(1usize..120, 0..4),
        proptest::collection::vec(1usize..40, 0..8),
        (any_layout(), 0u8..4),
    )
        .prop_map(|(events, seals, frames, layout)| spread(events, &seals, &frames, layout))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pages_are_those_of_a_plain_list(
        both in any_history(),
        asked in proptest::collection::vec(
            (0usize..3, 0usize..3, 0i64..4, 0i64..4, 0u8..5, any::<prop::sample::Index>(), 0u16..30,
             proptest::option::of(0..PREDICATES.len()), proptest::option::of(0u64..250)),
            1..24,
        ),
    ) {
        for (owner, kind, start, days, cursor, at, limit, predicate, as_of) in asked {
            let day = |number: i64| Timestamp::from_millis((19_999 + number) * DAY_MS + 7_000_000);
            let mut query = PageQuery::new(KINDS_ALL[kind], integration(owner), day(start), day(start + days));
            let id = both.events[at.index(both.events.len())].id;
            let near = TxId::from_u128(id.to_u128() ^ u128::from(limit % 2));
            query.cursor = [Cursor::Newest, Cursor::After(near), Cursor::Before(near)][usize::from(cursor % 3)];
            query.limit = limit;
            query.as_of = as_of;
            let mut meaning: Meaning = |_| true;
            if let Some(number) = predicate {
                let (name, operator, text, means) = PREDICATES[number];
                query.predicates = vec![Predicate::parse(query.kind, name, operator, text).unwrap()];
                meaning = means;
            }
            prop_assert_eq!(both.view.page(&query).unwrap(), naive(&both, &query, &meaning), "{:?}", query);
        }
    }

    #[test]
    fn every_row_is_found_by_its_ids_and_comes_once_in_the_scan(both in any_history(), from in 0u64..260) {
        let view = &both.view;
        for event in both.events.iter().step_by(5) {
            let found = view.find(event.integration, None, event.id).unwrap();
            prop_assert_eq!(found.as_ref(), Some(event));
            let found = view.find(event.integration, Some(event.kind), event.id).unwrap();
            prop_assert_eq!(found.as_ref(), Some(event));
            let other = TxId::from_u128(event.id.to_u128() ^ 1);
            prop_assert_eq!(view.find(event.integration, None, other).unwrap(), None);
        }
        let mut rest: Vec<&Event> = both.events.iter().filter(|event| event.seq >= from).collect();
        rest.sort_by_key(|event| event.seq);
        let scanned: Vec<Event> =
            view.scan_seq_from(from).filter_map(|record| record.unwrap().into_event()).collect();
        prop_assert_eq!(scanned.iter().collect::<Vec<_>>(), rest.clone());
        for kind in KINDS_ALL {
            let scanned: Vec<Event> =
                view.scan_seq_of(*kind, from).filter_map(|record| record.unwrap().into_event()).collect();
            let theirs: Vec<&Event> = rest.iter().copied().filter(|event| event.kind == *kind).collect();
            prop_assert_eq!(scanned.iter().collect::<Vec<_>>(), theirs);
        }
    }

    #[test]
    fn what_came_before_a_seq_is_found_by_integration_and_time(both in any_history(), owner in 0usize..3,
            day in 20_000i64..20_003, slot in 0i64..6, before in 0u64..260) {
        let since = Timestamp::from_millis(day * DAY_MS + slot * 14_000_000);
        let owner = integration(owner);
        let inside = |event: &&Event| event.integration == owner && event.at() >= since && event.seq < before;
        let mut expected: Vec<&Event> = both.events.iter().filter(inside).collect();
        expected.sort_by_key(|event| event.seq);
        let earlier = both.view.earlier(owner, since, before).unwrap();
        prop_assert!(earlier.rows_at_most().unwrap() >= expected.len() as u64);
        let records = earlier.events().unwrap().map(Result::unwrap);
        let found: Vec<Event> = records.filter_map(Record::into_event).collect();
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn external_ids_and_keys_are_found_newest_first(
        both in any_history(), owner in 0usize..3, kind in 0usize..3, external in 1u8..5, days in 0i64..4, key in 1u128..6,
    ) {
        let (owner, kind, external) = (integration(owner), KINDS_ALL[kind], format!("x{external}"));
        let (from, to) = (
            Timestamp::from_millis(20_000 * DAY_MS + 7_000_000),
            Timestamp::from_millis((20_000 + days) * DAY_MS + 21_000_000),
        );
        let expected = both.events.iter().find(|e| {
            e.integration == owner && e.kind == kind && from <= e.id.time() && e.id.time() < to
                && e.text(Text::ExternalTransactionId) == Some(&external)
        });
        let found = both.view.find_external(owner, kind, from, to, &external).unwrap();
        prop_assert_eq!(found.as_ref(), expected);

        let found = both.view.find_key(owner, key, Timestamp::from_millis(0)).unwrap();
        let sealed = both.view.open().first_seq().unwrap_or(u64::MAX);
        let exists = both.events.iter().any(|e| e.integration == owner && e.key == key && e.seq < sealed);
        prop_assert_eq!(found.is_some(), exists);
        prop_assert!(found.is_none_or(|event| event.integration == owner && event.key == key));
        prop_assert_eq!(both.view.find_key(owner, key, Timestamp::from_millis(20_010 * DAY_MS)).unwrap(), None);
    }
}
