//! Exports compared with the pages of the same query, whatever is open, sealed and amended.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use proptest::prelude::*;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use tollgate_domain::row::{self, Field};
use tollgate_domain::{
    Amendment, Entropy, Event, EventKind, IntegrationId, KINDS_ALL, Number, OrganizationId, Status, Text,
    Timestamp, TxIdKey,
};
use tollgate_ledger::disk::{Disk, RealDisk};
use tollgate_ledger::export::{Encoding, ExportError, ExportQuery, Exported, Format, Progress};
use tollgate_ledger::query::{Cursor, PageQuery, Predicate};
use tollgate_ledger::view::View;
use tollgate_ledger::{Ledger, Options};

const DAY_MS: i64 = 86_400_000;
const START: i64 = 20_000 * DAY_MS;
const INTEGRATIONS: [&str; 2] = ["aaaaaaaaaa", "bbbbbbbbbb"];

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn organization() -> OrganizationId {
    "0123456789abcdef01234567".parse().unwrap()
}

struct Filled {
    ledger: Ledger,
    events: Vec<Event>,
    _folder: tempfile::TempDir,
}

impl Filled {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()).unwrap());
        let (key, options) = (TxIdKey([7; 16]), Options::default());
        let (ledger, _) =
            Ledger::open(disk, Arc::new(NoEntropy), key, options, u64::MAX, &mut |_| {}).unwrap();
        ledger.keep().unwrap();
        Self { ledger, events: Vec::new(), _folder: folder }
    }

    fn of(steps: &[Step]) -> Self {
        let mut filled = Self::new();
        for step in steps {
            match step {
                Step::Store(rows) => filled.store(rows),
                Step::Amend(at, what) => filled.amend(*at, *what),
                Step::Seal(rows) => drop(filled.ledger.seal(*rows).unwrap()),
            }
        }
        filled
    }

    fn store(&mut self, rows: &[Row]) {
        let promise = self.ledger.promise(rows.len() as u64, 400 * rows.len() as u64).unwrap();
        for row in rows {
            let mut event = row.event();
            self.ledger.append(&promise, &mut event, |_| {});
            self.events.push(event);
        }
        self.ledger.commit().unwrap();
    }

    fn amend(&mut self, at: usize, what: u8) {
        if self.events.is_empty() {
            return;
        }
        let event = &self.events[at % self.events.len()];
        let mut amendment = Amendment::of(event, Timestamp::from_millis(START + 1));
        let record = &mut amendment.record;
        match what % 3 {
            0 => {
                record.set_status(Status::Rejected);
                record.set_text(Text::Rejections, &format!(r#"["R{what}","BOT"]"#));
            }
            1 => record.set_text(Text::ThirdPartyStatus, &format!("=t{what}\"")),
            _ => record.set_number(Number::Payout, i64::from(what) * -1_300_000),
        }
        let promise = self.ledger.promise(1, record.text_bytes() as u64).unwrap();
        self.ledger.amend(&promise, &mut amendment);
        self.ledger.commit().unwrap();
    }
}

#[derive(Debug, Clone)]
enum Step {
    Store(Vec<Row>),
    Amend(usize, u8),
    Seal(u64),
}

#[derive(Debug, Clone)]
struct Row {
    owner: usize,
    kind: usize,
    slot: i64,
    texts: Vec<(usize, String)>,
    extra: u8,
    number: i64,
}

impl Row {
    fn event(&self) -> Event {
        let mut event = Event::new(KINDS_ALL[self.kind], INTEGRATIONS[self.owner].parse().unwrap());
        event.set_number(Number::RequestTime, START + self.slot * 3_000_007);
        event.set_status(if self.slot % 3 == 0 { Status::Rejected } else { Status::Approved });
        for (column, text) in &self.texts {
            event.set_text([Text::Publisher, Text::SubId, Text::ExternalTransactionId][*column], text);
        }
        let extra = [
            None,
            Some(r#"{}"#),
            Some(r#"{"a":"x,\"y\"\n","b":[1,2],"c":-2.50}"#),
            Some(r#"{"a":null,"c":true}"#),
            Some(r#"{"b":"-é","a":"\u0001"}"#),
        ];
        if let Some(json) = extra[usize::from(self.extra)] {
            event.set_text(Text::ExtraParameters, json);
        }
        if self.number % 2 == 0 {
            event.set_number(Number::Payout, self.number * 125_000);
            event.set_number(Number::IsBot, self.number & 1);
        }
        event
    }
}

fn any_row() -> impl Strategy<Value = Row> {
    let text = prop_oneof![
        Just(String::new()),
        "[a-c]{1,3}",
        "[=+@\t\r-][0-9]{0,2}",
        "[a;,\"\n\r'é]{1,6}",
        Just("plain".to_owned()),
    ];
    let texts = proptest::collection::vec((0usize..3, text), 0..4);
    (0usize..2, 0usize..3, 0i64..60, texts, 0u8..5, -9i64..9).prop_map(
        |(owner, kind, slot, texts, extra, number)| Row {
            owner,
            kind: kind.min(1),
            slot,
            texts,
            extra,
            number,
        },
    )
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => proptest::collection::vec(any_row(), 1..30).prop_map(Step::Store),
        3 => (any::<usize>(), 0u8..12).prop_map(|(at, what)| Step::Amend(at, what)),
        2 => (1u64..60).prop_map(Step::Seal),
    ];
    proptest::collection::vec(step, 1..14)
}

fn query(kind: EventKind, owner: usize, predicate: usize) -> ExportQuery {
    let filters = [
        ("status", "ne", "nothing"),
        ("publisher", "ne", "a"),
        ("publisher", "contains", ","),
        ("rejection", "in", "R3,R6"),
        ("payout", "lt", "0"),
        ("tx_id", "gt", "b"),
        ("request_time", "gte", "2024-10-04 20:00:00"),
    ];
    let (name, operator, text) = filters[predicate];
    let page = PageQuery::new(kind, integration(owner), from(), Timestamp::from_millis(START + 9 * DAY_MS));
    let predicates = Predicate::parse(kind, name, Some(operator), text).into_iter().collect();
    let (integration, from, to) = (page.integration, page.from, page.to);
    ExportQuery { kind, integration, from, to, predicates, as_of: None }
}

fn from() -> Timestamp {
    Timestamp::from_millis(START)
}

fn integration(owner: usize) -> IntegrationId {
    INTEGRATIONS[owner].parse().unwrap()
}

/// All rows of the query by pages, oldest first, as of its cut.
fn pages(view: &View, query: &ExportQuery) -> Vec<Event> {
    let mut page = PageQuery {
        kind: query.kind,
        integration: query.integration,
        from: query.from,
        to: query.to,
        cursor: Cursor::Newest,
        limit: 7,
        predicates: query.predicates.clone(),
        as_of: query.as_of,
    };
    let mut rows: Vec<Event> = Vec::new();
    loop {
        let found = view.page(&page).unwrap();
        rows.extend(found.rows);
        match rows.last() {
            Some(last) if found.has_more_older => page.cursor = Cursor::After(last.id),
            _ => break,
        }
    }
    rows.reverse();
    rows
}

fn encoding(kind: EventKind, format: Format) -> Encoding {
    let extra_parameters = ["a", "b", "c", "absent"].map(str::to_owned).to_vec();
    Encoding {
        format,
        fields: Field::of_kind(kind).collect(),
        extra_parameters,
        organization: organization(),
    }
}

fn export(view: &View, query: &ExportQuery, encoding: &Encoding) -> (Exported, Vec<u8>) {
    let (mut out, mut last) = (Vec::new(), 0.0);
    let mut rising = |progress: Progress| {
        assert!(progress.share >= last && progress.share <= 1.0, "{progress:?} after {last}");
        last = progress.share;
        ControlFlow::Continue(())
    };
    let exported = view.export(query, encoding, 2, &mut out, &mut rising).unwrap();
    assert_eq!(last, 1.0);
    assert_eq!(exported.bytes, out.len() as u64);
    (exported, out)
}

/// The page's JSON values of a row by field, and those of its extra parameters.
fn values(event: &Event) -> BTreeMap<String, String> {
    let mut json = Vec::new();
    row::write(event, organization(), &mut json);
    let object: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(&json).unwrap();
    let extra: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(object["extra_parameters"].get()).unwrap();
    object.into_iter().chain(extra).map(|(name, raw)| (name, raw.get().to_owned())).collect()
}

/// The characters of a JSON value without the quotes of a string.
fn plain(json: Option<&String>, safe_cells: bool) -> String {
    match json.map(String::as_str) {
        None | Some("null") => String::new(),
        Some(json) => match serde_json::from_str::<String>(json) {
            Ok(text) if safe_cells && text.starts_with(['=', '+', '-', '@', '\t', '\r']) => {
                format!("'{text}")
            }
            Ok(text) => text,
            Err(_) => json.to_owned(),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_export_holds_the_rows_of_the_pages(
        steps in any_steps(), kind in 0usize..2, owner in 0usize..2, predicate in 0usize..7,
        cut in proptest::option::of(1u64..120), semicolon: bool, safe_cells: bool,
    ) {
        let filled = Filled::of(&steps);
        let view = filled.ledger.view();
        let kind = KINDS_ALL[kind];
        let query = ExportQuery { as_of: cut, ..query(kind, owner, predicate) };
        let rows = pages(&view, &query);
        let delimiter = if semicolon { b';' } else { b',' };
        let csv = encoding(kind, Format::Csv { delimiter, safe_cells });
        let names: Vec<&str> =
            csv.fields.iter().map(|field| field.name()).chain(["a", "b", "c", "absent"]).collect();

        let (exported, bytes) = export(&view, &query, &csv);
        prop_assert_eq!(exported.rows, rows.len() as u64);
        prop_assert_eq!(exported.cut, cut.unwrap_or(u64::MAX).min(view.cut()));
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(&bytes[..]);
        prop_assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), names.clone());
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        prop_assert_eq!(records.len(), rows.len());
        for (record, event) in records.iter().zip(&rows) {
            let values = values(event);
            for (cell, name) in record.iter().zip(&names) {
                prop_assert_eq!(cell, plain(values.get(*name), safe_cells), "{}", name);
            }
        }

        let (_, bytes) = export(&view, &query, &encoding(kind, Format::Ndjson));
        let lines: Vec<&str> = std::str::from_utf8(&bytes).unwrap().lines().collect();
        prop_assert_eq!(lines.len(), rows.len());
        for (line, event) in lines.iter().zip(&rows) {
            let values = values(event);
            let written: BTreeMap<String, Box<RawValue>> = serde_json::from_str(line).unwrap();
            prop_assert_eq!(written.len(), names.len());
            for (name, raw) in &written {
                prop_assert_eq!(Some(raw.get()), values.get(name).map_or(Some("null"), |v| Some(v)), "{}", name);
            }
        }
    }
}

fn small() -> Filled {
    let row = |slot| Row { owner: 0, kind: 0, slot, texts: Vec::new(), extra: 0, number: -2 };
    let mut filled = Filled::new();
    filled.store(&(0..50).map(row).collect::<Vec<_>>());
    filled.ledger.seal(1000).unwrap();
    filled
}

#[test]
fn the_bytes_of_a_file_are_these() {
    let mut filled = Filled::new();
    let texts = vec![(0, "=1+1".to_owned()), (1, "say \"a,b\"".to_owned())];
    filled.store(&[Row { owner: 0, kind: 0, slot: 1, texts, extra: 2, number: -2 }]);
    let fields = ["request_time", "publisher", "sub_id", "city", "payout", "rejections", "status"];
    let fields = fields.map(|name| Field::from_name(name).unwrap()).to_vec();
    let format = Format::Csv { delimiter: b',', safe_cells: true };
    let csv =
        Encoding { fields, extra_parameters: vec!["c".to_owned()], ..encoding(EventKind::Click, format) };
    let (view, query) = (filled.ledger.view(), query(EventKind::Click, 0, 0));
    let query = ExportQuery { predicates: Vec::new(), ..query };
    let (exported, bytes) = export(&view, &query, &csv);
    let expected = "request_time,publisher,sub_id,city,payout,rejections,status,c\r\n\
        2024-10-04T00:50:00.007Z,'=1+1,\"say \"\"a,b\"\"\",,-0.25,[],approved,-2.50\r\n";
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    assert_eq!((exported.rows, exported.cut), (1, 1));
    let (_, bytes) = export(&view, &query, &Encoding { format: Format::Ndjson, ..csv });
    let expected = "{\"request_time\":\"2024-10-04T00:50:00.007Z\",\"publisher\":\"=1+1\",\
        \"sub_id\":\"say \\\"a,b\\\"\",\"city\":null,\"payout\":-0.25,\"rejections\":[],\
        \"status\":\"approved\",\"c\":-2.50}\n";
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

#[test]
fn a_parquet_file_holds_the_same_rows_with_their_types() {
    let filled = small();
    let (view, query) = (filled.ledger.view(), query(EventKind::Click, 0, 1));
    let names = ["real_tx_id", "request_time", "status", "payout", "is_bot", "asn", "rejections"];
    let fields = names.map(|name| Field::from_name(name).unwrap()).to_vec();
    let parquet = Encoding { fields, ..encoding(EventKind::Click, Format::Parquet) };
    let (exported, bytes) = export(&view, &query, &parquet);
    let rows = pages(&view, &query);
    assert_eq!((exported.rows, rows.len()), (50, 50));
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let read: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(read.len(), 50);
    for (row, event) in read.iter().zip(&rows) {
        assert_eq!(row.get_string(0).unwrap(), &event.id.to_string());
        assert_eq!(row.get_timestamp_millis(1).unwrap(), event.at().millis());
        assert_eq!(row.get_string(2).unwrap(), event.status().unwrap().name());
        assert_eq!(row.get_string(6).unwrap(), "[]");
        let columns: Vec<String> = row.get_column_iter().map(|(_, field)| field.to_string()).collect();
        assert_eq!(columns[3..6], ["-0.250000", "false", "null"]);
        assert_eq!(columns[7..], ["null", "null", "null", "null"], "extra parameters");
    }
}

#[test]
fn an_export_that_is_canceled_or_cannot_be_written_says_so() {
    let filled = small();
    let (view, query) = (filled.ledger.view(), query(EventKind::Click, 0, 1));
    let csv = encoding(EventKind::Click, Format::Csv { delimiter: b',', safe_cells: false });
    let canceled = view.export(&query, &csv, 2, &mut Vec::new(), &mut |_| ControlFlow::Break(()));
    assert!(matches!(canceled, Err(ExportError::Canceled)), "{canceled:?}");

    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let full = view.export(&query, &csv, 2, &mut Full, &mut |_| ControlFlow::Continue(()));
    let Err(ExportError::Write(error)) = full else { panic!("{full:?}") };
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn what_cannot_be_written_is_refused_with_its_name() {
    let view = small().ledger.view();
    let query = query(EventKind::Click, 0, 0);
    let good = encoding(EventKind::Click, Format::Csv { delimiter: b',', safe_cells: false });
    let delimited =
        |delimiter| Encoding { format: Format::Csv { delimiter, safe_cells: false }, ..good.clone() };
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let cases = [
        ("delimiter", delimited(b'"')),
        ("delimiter", delimited(b'\n')),
        ("delimiter", delimited(0xe9)),
        ("fields", Encoding { fields: Vec::new(), ..good.clone() }),
        ("fields", Encoding { fields: vec![Field::Kind, Field::Kind], ..good.clone() }),
        ("extra_parameters", Encoding { extra_parameters: named(&["ip"]), ..good.clone() }),
        ("extra_parameters", Encoding { extra_parameters: named(&["x", "x"]), ..good.clone() }),
    ];
    for (field, encoding) in cases {
        let refused = view.export(&query, &encoding, 1, &mut Vec::new(), &mut |_| ControlFlow::Continue(()));
        let Err(ExportError::Invalid(error)) = refused else { panic!("{field}: {refused:?}") };
        assert_eq!(error.field, field);
    }
}
