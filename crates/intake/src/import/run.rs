//! The two readings of an import: check every line, then judge events in the order of their times.

use super::index::{Entry, Part, fingerprint, identity, order};
use super::records::{Place, Random, Records};
use super::request::ImportRequest;
use super::row::{Row, RowReader};
use super::summary::{Failed, ImportError, Observer, Phase, Progress, RefusedLine, Summary};
use crate::attribution;
use crate::draft::Draft;
use crate::intake::Intake;
use crate::live::LiveIntegration;
use crate::worker::Worker;
use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;
use tollgate_domain::{Event, EventKind, Invalid, Number, Timestamp, TxId};
use tollgate_ledger::{Promise, Refused};
use tollgate_screening::Counters;

/// Events judged between two commits. Checkpoints wait that long.
const CHUNK: usize = 4096;
/// Events for which room in the log is asked at once.
const GROUP: usize = 256;
/// Bytes for which room is asked at once; a frame of the log takes eight times as much.
const GROUP_BYTES: usize = 1 << 20;
/// Room for a verdict and its evidence beyond the row's own text.
const VERDICT_BYTES: usize = 512;
/// How long to wait when the ledger is busy.
const PAUSE: Duration = Duration::from_millis(5);
/// Lines between two reports of progress.
const REPORT_EVERY: u64 = 1024;

/// Imports `file` as `request` says. What was stored before an error stays, and importing again goes on from there.
pub fn run(
    intake: &Arc<Intake>,
    request: &ImportRequest,
    file: &File,
    observer: &mut dyn Observer,
) -> Result<Summary, Box<Failed>> {
    let mut summary = Summary::default();
    match import(intake, request, file, observer, &mut summary) {
        Ok(()) => Ok(summary),
        Err(error) => Err(Box::new(Failed { error, summary })),
    }
}

fn import(
    intake: &Arc<Intake>,
    request: &ImportRequest,
    file: &File,
    observer: &mut dyn Observer,
    summary: &mut Summary,
) -> Result<(), ImportError> {
    request.check()?;
    let live = intake.live().get(request.integration).cloned();
    let live = live.ok_or(ImportError::UnknownIntegration(request.integration))?;
    let converts = request.map.as_ref().is_some_and(|map| map.conversion.is_some());
    if !live.entry.integration.active && (converts || request.kind == EventKind::Conversion) {
        return Err(ImportError::Inactive(request.integration));
    }
    // The whole file arrives at one moment: windows then slide over the events' own times alone.
    let arrival = intake.now();
    let mut records = Records::open(file, request.format)?;
    let mut reader = RowReader::new(intake, &live, request, records.header(), arrival)?;
    let length = file.metadata().map_err(ImportError::File)?.len();
    let mut entries = check(&mut records, &mut reader, length, observer, summary)?;
    drop(records);
    order(&mut entries);
    let judging = Judging {
        intake,
        live,
        arrival,
        reader,
        lines: Random::new(file),
        worker: Worker::new(intake.clone()),
        counters: intake.empty_counters(),
        clicks: HashMap::new(),
        items: Vec::new(),
    };
    judging.run(&entries, observer, summary)
}

/// The first reading: refuses lines, and learns where and when the others are.
fn check(
    records: &mut Records,
    reader: &mut RowReader,
    length: u64,
    observer: &mut dyn Observer,
    summary: &mut Summary,
) -> Result<Vec<Entry>, ImportError> {
    let mut entries = Vec::new();
    let (mut raw, mut row) = (Vec::new(), reader.row());
    let mut conversion = Draft::new(EventKind::Conversion, row.main.event.integration);
    while let Some(place) = records.next(&mut raw)? {
        summary.lines += 1;
        if summary.lines.is_multiple_of(REPORT_EVERY) {
            report(observer, Progress { phase: Phase::Checking, done: place.offset, total: length })?;
        }
        let read = reader.read(&raw, &mut row).and_then(|()| match row.conversion {
            Some(at) => reader.conversion(at, &row.conversion_fields, &mut conversion),
            None => Ok(()),
        });
        if let Err(errors) = read {
            summary.refused += 1;
            let refused = RefusedLine { line: place.line, cause: cause(&errors), text: raw.clone() };
            observer.refused(&refused).map_err(ImportError::Rejects)?;
            continue;
        }
        let at = row.main.event.at();
        let entry = Entry { at, place, part: Part::Line, ordinal: fingerprint(&raw) };
        entries.push(entry);
        if let Some(converted) = row.conversion {
            entries.push(Entry { at: converted.max(at), part: Part::Conversion, ..entry });
        }
    }
    report(observer, Progress { phase: Phase::Checking, done: length, total: length })?;
    Ok(entries)
}

fn report(observer: &mut dyn Observer, progress: Progress) -> Result<(), ImportError> {
    if observer.progress(progress).is_break() { Err(ImportError::Ended) } else { Ok(()) }
}

fn cause(errors: &[Invalid]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The second reading.
struct Judging<'a> {
    intake: &'a Arc<Intake>,
    live: Arc<LiveIntegration>,
    arrival: Timestamp,
    reader: RowReader,
    lines: Random<'a>,
    worker: Worker,
    /// Everything the file said so far, stored now or before.
    counters: Counters,
    /// Judged clicks whose conversions are still to come.
    clicks: HashMap<TxId, Event>,
    /// Buffers of one chunk.
    items: Vec<Item>,
}

/// An event of the chunk at hand.
struct Item {
    row: Row,
    /// The conversion, where the entry is one.
    conversion: Draft,
    part: Part,
    click: TxId,
    stored: Option<Event>,
}

impl Item {
    fn draft(&mut self) -> &mut Draft {
        match self.part {
            Part::Line => &mut self.row.main,
            Part::Conversion => &mut self.conversion,
        }
    }

    fn event(&self) -> &Event {
        match self.part {
            Part::Line => &self.row.main.event,
            Part::Conversion => &self.conversion.event,
        }
    }

    /// Bytes of text the row will have, generously.
    fn text_bytes(&self) -> usize {
        let click =
            if self.part == Part::Conversion { self.row.main.event.text_bytes() + VERDICT_BYTES } else { 0 };
        self.event().text_bytes() + click + VERDICT_BYTES
    }
}

impl Judging<'_> {
    fn run(
        mut self,
        entries: &[Entry],
        observer: &mut dyn Observer,
        summary: &mut Summary,
    ) -> Result<(), ImportError> {
        let total = entries.len() as u64;
        let mut done = 0;
        for chunk in entries.chunks(CHUNK) {
            self.read_chunk(chunk)?;
            let intake = self.intake.clone();
            let held = intake.hold_checkpoints();
            if intake.imports_end() {
                return Err(ImportError::Refused(Refused::Closing));
            }
            self.look_up(chunk.len())?;
            let mut fresh = intake.empty_counters();
            let judged = self.judge_chunk(chunk.len(), &mut fresh, summary);
            // Whatever was stored counts, even when the chunk could not be finished.
            intake.ledger().wait_committed(intake.ledger().assigned());
            intake.merge(self.live.entry.integration.id, fresh);
            drop(held);
            judged?;
            done += chunk.len() as u64;
            report(observer, Progress { phase: Phase::Judging, done, total })?;
        }
        Ok(())
    }

    /// Reads the chunk's lines again and gives every event its id.
    fn read_chunk(&mut self, chunk: &[Entry]) -> Result<(), ImportError> {
        let integration = self.live.entry.integration.id;
        while self.items.len() < chunk.len() {
            let conversion = Draft::new(EventKind::Conversion, integration);
            let row = self.reader.row();
            let item = Item { row, conversion, part: Part::Line, click: TxId::default(), stored: None };
            self.items.push(item);
        }
        for (entry, item) in chunk.iter().zip(&mut self.items) {
            let changed = || ImportError::Changed { line: entry.place.line };
            let raw = self.lines.read(entry.place)?;
            self.reader.read(raw, &mut item.row).map_err(|_| changed())?;
            let at = item.row.main.event.at();
            let kind = item.row.main.event.kind;
            item.row.main.event.id = identity(integration, kind, at, raw, entry.ordinal);
            (item.part, item.click, item.stored) = (entry.part, item.row.main.event.id, None);
            if entry.part == Part::Conversion {
                let at = item.row.conversion.ok_or_else(changed)?;
                let fields = &item.row.conversion_fields;
                self.reader.conversion(at, fields, &mut item.conversion).map_err(|_| changed())?;
                let id = identity(integration, EventKind::Conversion, at, raw, entry.ordinal);
                item.conversion.event.id = id;
            }
        }
        Ok(())
    }

    /// Finds the events of the chunk that are stored already.
    fn look_up(&mut self, length: usize) -> Result<(), ImportError> {
        let view = self.intake.ledger().view();
        let integration = self.live.entry.integration.id;
        for part in [Part::Line, Part::Conversion] {
            let of_part = |item: &&mut Item| item.part == part;
            let mut places: HashMap<TxId, &mut Item> =
                self.items[..length].iter_mut().filter(of_part).map(|item| (item.event().id, item)).collect();
            let Some(kind) = places.values().next().map(|item| item.event().kind) else { continue };
            let mut ids: Vec<TxId> = places.keys().copied().collect();
            ids.sort_unstable();
            for event in view.find_all(integration, kind, &ids)? {
                if let Some(item) = places.get_mut(&event.id) {
                    item.stored = Some(event);
                }
            }
        }
        Ok(())
    }

    fn judge_chunk(
        &mut self,
        length: usize,
        fresh: &mut Counters,
        summary: &mut Summary,
    ) -> Result<(), ImportError> {
        let mut items = std::mem::take(&mut self.items);
        let mut rest = &mut items[..length];
        let mut result = Ok(());
        while !rest.is_empty() && result.is_ok() {
            let (group, after) = rest.split_at_mut(group_length(rest));
            result = self.judge_group(group, fresh, summary);
            rest = after;
        }
        self.items = items;
        result
    }

    fn judge_group(
        &mut self,
        group: &mut [Item],
        fresh: &mut Counters,
        summary: &mut Summary,
    ) -> Result<(), ImportError> {
        for item in group.iter_mut().filter(|item| item.stored.is_none() && item.part == Part::Line) {
            self.worker.prepare(&self.live, &mut item.row.main)?;
        }
        let new = group.iter().filter(|item| item.stored.is_none());
        let (rows, text) = new.fold((0, 0), |(rows, text), item| (rows + 1, text + item.text_bytes() as u64));
        let promise = if rows > 0 { Some(self.promise(rows, text)?) } else { None };
        for item in group {
            match (item.stored.take(), &promise) {
                (Some(event), _) => self.fold(item, event, summary),
                (None, Some(promise)) => self.judge(item, promise, fresh, summary)?,
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn promise(&self, rows: u64, text: u64) -> Result<Promise, ImportError> {
        loop {
            match self.intake.ledger().promise(rows, text) {
                Ok(promise) => return Ok(promise),
                Err(Refused::Busy) if !self.intake.imports_end() => std::thread::sleep(PAUSE),
                Err(refused) => return Err(ImportError::Refused(refused)),
            }
        }
    }

    /// Counts an event that is stored already, as if it had arrived now, so that the rest is judged as it would have been.
    fn fold(&mut self, item: &mut Item, mut event: Event, summary: &mut Summary) {
        summary.already_there += 1;
        event.set_number(Number::ArrivalTime, self.arrival.millis());
        self.live.plan.fold(&event, &mut self.counters);
        self.keep_click(item, || event);
    }

    fn judge(
        &mut self,
        item: &mut Item,
        promise: &Promise,
        fresh: &mut Counters,
        summary: &mut Summary,
    ) -> Result<(), ImportError> {
        if item.part == Part::Conversion {
            let click = match self.clicks.remove(&item.click) {
                Some(click) => Some(click),
                None => {
                    let view = self.intake.ledger().view();
                    view.find(self.live.entry.integration.id, Some(EventKind::Click), item.click)?
                }
            };
            let event = &mut item.conversion.event;
            if let Some(click) = &click {
                attribution::take(event, click);
            }
            attribution::set_hash(event);
            self.worker.describe(&self.live, event);
        }
        self.worker.judge_apart(&self.live, &mut self.counters, promise, item.draft());
        summary.count(item.event());
        self.live.plan.fold(item.event(), fresh);
        let event = &item.row.main.event;
        if item.part == Part::Line && item.row.conversion.is_some() {
            self.clicks.insert(item.click, event.clone());
        }
        Ok(())
    }

    /// Keeps a click for the conversion that its line makes later.
    fn keep_click(&mut self, item: &Item, event: impl FnOnce() -> Event) {
        match item.part {
            Part::Line if item.row.conversion.is_some() => drop(self.clicks.insert(item.click, event())),
            Part::Line => {}
            Part::Conversion => drop(self.clicks.remove(&item.click)),
        }
    }
}

/// How many of `items` are judged under one promise: bounded in rows and bytes, so that it fits into a frame of the log.
fn group_length(items: &[Item]) -> usize {
    let mut bytes = 0;
    let fits = |item: &&Item| {
        bytes += item.text_bytes();
        bytes <= GROUP_BYTES
    };
    items.iter().take(GROUP).take_while(fits).count().max(1)
}

/// See [`Place`]; kept small, since there is one for every event of the file.
const _: () = assert!(size_of::<Entry>() <= 48 && size_of::<Place>() <= 24);
