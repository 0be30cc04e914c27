//! Making a job's result: a table with a row of titles, in the one form that every other is made of.

use super::Options;
use super::columns::{self, Column};
use super::figures::{FigureError, Row};
use super::install::{self, InstallError};
use super::names::Names;
use super::parts::figures;
use super::request::{Grouping, Report, ReportRequest, Role};
use super::store::Store;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use tollgate_catalog::Snapshot;
use tollgate_ledger::export::ExportError;
use tollgate_ledger::group::{Bounds, GroupError, Stop};
use tollgate_ledger::view::View;

/// Bytes between two looks at the room that is left.
const LOOK_EVERY: u64 = 4 << 20;

/// How making a result ended.
pub(super) enum Made {
    /// It is there.
    Whole,
    /// It cannot be made, and callers are told why.
    Refused(String),
    /// It was told to stop: the process ends, or nobody wants it any more.
    Stopped,
}

/// Makes the result of a job and gives it its name. The calling thread waits.
pub(super) fn produce(
    (view, snapshot): (&View, &Snapshot),
    (id, request): (&str, &ReportRequest),
    (store, options): (&Store, &Options),
    stop: &Stop,
) -> Made {
    let refused = Cell::new(None);
    let made = write((view, snapshot), (id, request), (store, options), stop, &refused);
    if made.is_err() {
        store.give_up(id);
    }
    match (made, refused.get()) {
        (Ok(()), _) => Made::Whole,
        (Err(_), _) if stop.is_set() => Made::Stopped,
        (Err(_), Some(why)) => Made::Refused(why.to_owned()),
        (Err(failure), None) => failure.told(),
    }
}

fn write(
    (view, snapshot): (&View, &Snapshot),
    (id, request): (&str, &ReportRequest),
    (store, options): (&Store, &Options),
    stop: &Stop,
    refused: &Cell<Option<&'static str>>,
) -> Result<(), InstallError> {
    let file = store.begin(id).map_err(ExportError::Write)?;
    let guarded = Guarded { file, store, options, stop, refused, written: 0, looked: 0 };
    guarded.look().map_err(ExportError::Write)?;
    let mut out = csv::Writer::from_writer(BufWriter::new(guarded));
    let write = |error: csv::Error| ExportError::Write(error.into());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let bounds = Bounds { rows: options.rows, stop: stop.clone(), ..Bounds::threads(threads) };
    if request.report == Report::Install {
        out.write_record(install::TITLES).map_err(write)?;
        install::write(view, snapshot, request, &mut out, &bounds)?;
    } else {
        let organization = snapshot.organization(request.organization).ok_or(FigureError::NoOrganization)?;
        let table = Table {
            names: Names(organization),
            columns: columns::of(request.grouping.unwrap_or(Grouping::Campaign)),
        };
        out.write_record(table.columns.iter().map(|column| column.title())).map_err(write)?;
        figures(view, snapshot, request, &bounds, &mut |rows| {
            table.write(&rows, &mut out).map_err(|error| InstallError::from(write(error)))
        })?;
    }
    let finished = out.into_inner().map_err(|error| error.into_error()).and_then(|buffer| {
        let guarded = buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
        store.finish(id, &guarded.file)
    });
    Ok(finished.map_err(ExportError::Write)?)
}

/// The table of a grouped report: a line for each side of a row.
struct Table<'a> {
    names: Names<'a>,
    columns: Vec<Column>,
}

impl Table<'_> {
    fn write(&self, rows: &[Row], out: &mut csv::Writer<impl Write>) -> csv::Result<()> {
        let Self { names, columns } = self;
        for row in rows {
            for (role, counts) in [(Role::Publisher, &row.delivered), (Role::Advertiser, &row.received)] {
                if *counts != Default::default() {
                    out.write_record(columns.iter().map(|column| column.value(row, role, names)))?;
                }
            }
        }
        Ok(())
    }
}

impl InstallError {
    /// What callers are told. Causes that are ours go to the log.
    fn told(self) -> Made {
        let why = match self {
            Self::Figures(FigureError::Invalid(invalid)) => invalid.to_string(),
            Self::Figures(FigureError::Group(GroupError::Stopped)) | Self::Export(ExportError::Canceled) => {
                return Made::Stopped;
            }
            Self::Figures(FigureError::Group(error @ (GroupError::TooMany | GroupError::TooWide { .. }))) => {
                error.to_string()
            }
            Self::Figures(error) => {
                tracing::error!(%error, "a report could not be made");
                "The report could not be made.".to_owned()
            }
            Self::Export(ExportError::Write(error)) if error.kind() == ErrorKind::StorageFull => {
                NO_ROOM.to_owned()
            }
            Self::Export(error) => {
                tracing::error!(%error, "a report could not be written");
                "The report could not be written.".to_owned()
            }
        };
        Made::Refused(why)
    }
}

const NO_ROOM: &str = "There is not enough space on the server's disk.";
const TOO_LARGE: &str = "The result would be too large: ask for fewer days, or for less to be told apart.";

/// A file that is not allowed to grow too large, to take the disk's last room, or to be written on when nobody wants it.
struct Guarded<'a> {
    file: File,
    store: &'a Store,
    options: &'a Options,
    stop: &'a Stop,
    refused: &'a Cell<Option<&'static str>>,
    written: u64,
    looked: u64,
}

impl Guarded<'_> {
    fn refuse(&self, why: &'static str) -> io::Error {
        self.refused.set(Some(why));
        ErrorKind::StorageFull.into()
    }

    fn look(&self) -> io::Result<()> {
        if self.store.free_bytes()? < self.options.reserve_bytes.saturating_add(LOOK_EVERY) {
            return Err(self.refuse(NO_ROOM));
        }
        Ok(())
    }
}

impl Write for Guarded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stop.is_set() {
            return Err(io::Error::other("the result is not wanted any more"));
        }
        if self.written + bytes.len() as u64 > self.options.file_bytes {
            return Err(self.refuse(TOO_LARGE));
        }
        if self.written - self.looked >= LOOK_EVERY {
            self.looked = self.written;
            self.look()?;
        }
        let written = self.file.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
