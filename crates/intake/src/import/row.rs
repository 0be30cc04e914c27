//! From a record's bytes to drafts: the same for checking and for judging.

use super::combined;
use super::csv_row::CsvRow;
use super::records::MAX_RECORD;
use super::request::{Format, ImportMap, ImportRequest, time_field};
use super::summary::ImportError;
use crate::draft::{Draft, MAX_AHEAD_MS};
use crate::intake::Intake;
use crate::json::{Member, each_member};
use crate::live::LiveIntegration;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tollgate_domain::{EventKind, IntegrationId, Invalid, Number, Timestamp};

/// What a record says.
pub(super) struct Row {
    /// The event of the line.
    pub(super) main: Draft,
    /// When its conversion was, if it has one.
    pub(super) conversion: Option<Timestamp>,
    /// What the record says of its conversion beside that.
    pub(super) conversion_fields: Vec<(String, String)>,
}

/// Where a column's value goes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Field(String),
    Extra(String),
    ConversionTime,
    ConversionField(String),
}

/// Reads records of one import.
pub(super) struct RowReader {
    intake: Arc<Intake>,
    live: Arc<LiveIntegration>,
    integration: IntegrationId,
    kind: EventKind,
    set: Vec<(String, String)>,
    /// When the file arrived: nothing in it may lie in the future of that.
    now: Timestamp,
    shape: Shape,
}

enum Shape {
    Csv { row: CsvRow, columns: Vec<Vec<Target>> },
    Combined,
    Ndjson(Names),
}

/// Which of the file's names go where.
struct Names {
    named: HashMap<String, Vec<Target>>,
    /// Whether names that the map does not know are ours: when there is no map.
    open: bool,
    /// Fields with a constant value.
    set: HashSet<String>,
}

impl Names {
    fn of(request: &ImportRequest) -> Self {
        let map = request.map.clone().unwrap_or_default();
        let ImportMap { time, fields, conversion } = map;
        let mut named: HashMap<String, Vec<Target>> = HashMap::new();
        let mut name = |theirs: String, target| named.entry(theirs).or_default().push(target);
        let set: HashSet<String> = request.set.iter().map(|(name, _)| name.clone()).collect();
        if let Some(theirs) = time {
            name(theirs, Target::Field(time_field(request.kind).to_owned()));
        }
        for (ours, theirs) in fields.into_iter().filter(|(ours, _)| !set.contains(ours)) {
            name(theirs, Target::Field(ours));
        }
        if let Some(conversion) = conversion {
            name(conversion.time, Target::ConversionTime);
            for (ours, theirs) in conversion.fields {
                name(theirs, Target::ConversionField(ours));
            }
        }
        Self { named, open: request.map.is_none(), set }
    }

    /// Where the column `theirs` goes.
    fn targets(&self, theirs: &str) -> Vec<Target> {
        if let Some(targets) = self.named.get(theirs) {
            return targets.clone();
        }
        if self.set.contains(theirs) || theirs.is_empty() {
            return Vec::new();
        }
        let name = theirs.to_owned();
        vec![if self.open { Target::Field(name) } else { Target::Extra(name) }]
    }
}

impl RowReader {
    /// A reader of records under `header`, which CSV files have.
    pub(super) fn new(
        intake: &Arc<Intake>,
        live: &Arc<LiveIntegration>,
        request: &ImportRequest,
        header: Option<&[String]>,
        now: Timestamp,
    ) -> Result<Self, ImportError> {
        let names = Names::of(request);
        let shape = match request.format {
            Format::Combined => Shape::Combined,
            Format::Ndjson => Shape::Ndjson(names),
            Format::Csv => {
                let header = header.unwrap_or_default();
                check_header(header, &names)?;
                Shape::Csv {
                    row: CsvRow::new(),
                    columns: header.iter().map(|name| names.targets(name)).collect(),
                }
            }
        };
        Ok(Self {
            intake: intake.clone(),
            live: live.clone(),
            integration: request.integration,
            kind: request.kind,
            set: request.set.clone(),
            now,
            shape,
        })
    }

    /// An empty row to read into.
    pub(super) fn row(&self) -> Row {
        Row { main: Draft::new(self.kind, self.integration), conversion: None, conversion_fields: Vec::new() }
    }

    /// Reads a record. After an error the row is of no use until it is read into again.
    pub(super) fn read(&mut self, raw: &[u8], row: &mut Row) -> Result<(), Vec<Invalid>> {
        row.main.reset(self.kind, self.integration);
        row.conversion = None;
        row.conversion_fields.clear();
        if raw.len() > MAX_RECORD {
            return Err(vec![Invalid::new("line", format!("is longer than {MAX_RECORD} bytes"))]);
        }
        for (name, value) in &self.set {
            row.main.set(name, value);
        }
        self.fill(raw, row).map_err(|error| vec![error])?;
        // An idempotency key tells retries apart; a line is known by what it says.
        row.main.wishes.event_key = None;
        if row.main.event.number(Number::RequestTime).is_none() && !row.main.is_refused() {
            let message = "is missing: history needs the time of every event";
            row.main.refuse(Invalid::new(time_field(self.kind), message));
        }
        self.intake.check_app(&self.live, &mut row.main);
        row.main.finish(self.now)
    }

    fn fill(&mut self, raw: &[u8], row: &mut Row) -> Result<(), Invalid> {
        match &mut self.shape {
            Shape::Csv { row: csv, columns } => {
                let record = csv.split(raw, columns.len())?;
                for (value, targets) in record.iter().zip(columns.iter()) {
                    let value =
                        std::str::from_utf8(value).map_err(|_| Invalid::new("line", "is not UTF-8"))?;
                    targets.iter().for_each(|target| put(target, value, self.now, row));
                }
                Ok(())
            }
            Shape::Combined => fill_combined(&combined::parse(raw)?, row),
            Shape::Ndjson(names) => fill_json(names, self.kind, self.now, raw, row),
        }
    }

    /// The conversion that a row makes beside its click: its facts are the row's, and else the click's.
    pub(super) fn conversion(
        &self,
        at: Timestamp,
        fields: &[(String, String)],
        draft: &mut Draft,
    ) -> Result<(), Vec<Invalid>> {
        draft.reset(EventKind::Conversion, self.integration);
        draft.event.set_number(Number::RequestTime, at.millis());
        for (name, value) in fields {
            draft.set(name, value);
        }
        draft.wishes.event_key = None;
        // The click is joined directly; any id says that there is one.
        draft.wishes.transaction_id = Some(tollgate_domain::TxId::default());
        draft.finish(self.now)
    }
}

fn put(target: &Target, value: &str, now: Timestamp, row: &mut Row) {
    match target {
        Target::Field(name) => row.main.set(name, value),
        Target::Extra(name) => row.main.set_extra(name, value),
        Target::ConversionTime if value.is_empty() => {}
        Target::ConversionTime => match Timestamp::parse("conversion_time", value) {
            Ok(time) if time > now.plus_millis(MAX_AHEAD_MS) => {
                let message = "lies more than 5 minutes in the future";
                row.main.refuse(Invalid::new("conversion_time", message));
            }
            Ok(time) => row.conversion = Some(time),
            Err(error) => row.main.refuse(error),
        },
        Target::ConversionField(name) => row.conversion_fields.push((name.clone(), value.to_owned())),
    }
}

fn fill_combined(line: &combined::Line<'_>, row: &mut Row) -> Result<(), Invalid> {
    let draft = &mut row.main;
    draft.set("ip", line.address);
    draft.event.set_number(Number::RequestTime, line.time.millis());
    draft.set("referer", line.referrer.as_deref().unwrap_or_default());
    draft.observe_user_agent(line.agent.as_deref());
    draft.set_extra("method", line.method.unwrap_or_default());
    draft.set_extra("path", line.path.as_deref().unwrap_or_default());
    draft.set_extra("http_status", line.status);
    draft.set_extra("bytes", line.bytes.unwrap_or_default());
    Ok(())
}

fn fill_json(
    names: &Names,
    kind: EventKind,
    now: Timestamp,
    raw: &[u8],
    row: &mut Row,
) -> Result<(), Invalid> {
    let mut other_kind = false;
    let read = each_member(raw, |name, member| match member {
        Member::Plain(value) if name == "kind" && !names.named.contains_key(name) => {
            other_kind |= value != kind.name();
        }
        Member::Plain(value) => {
            names.targets(name).iter().for_each(|target| put(target, value, now, row));
        }
        Member::Deep(json) => row.main.set_extra_json(name, json),
    });
    read.map_err(|error| Invalid::new("line", error.message))?;
    if other_kind {
        return Err(Invalid::new(
            "kind",
            format!("is not {}, which is what this file is imported as", kind.name()),
        ));
    }
    Ok(())
}

/// Every column that the map names must be there, and no name twice.
fn check_header(header: &[String], names: &Names) -> Result<(), Invalid> {
    let mut missing: Vec<&str> =
        names.named.keys().filter(|name| !header.contains(name)).map(String::as_str).collect();
    if !missing.is_empty() {
        missing.sort_unstable();
        let message = format!(
            "names {}, which the file does not have; its columns are {}",
            missing.join(", "),
            header.join(", ")
        );
        return Err(Invalid::new("map", message));
    }
    let mut seen = HashSet::new();
    match header.iter().find(|name| !name.is_empty() && !seen.insert(name.as_str())) {
        Some(twice) => Err(Invalid::new("header", format!("has the column {twice} twice"))),
        None => Ok(()),
    }
}
