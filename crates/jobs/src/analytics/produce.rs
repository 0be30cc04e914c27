//! Making a job's result: a table with a row of titles, in the one form that every other is made of.

use super::Options;
use super::columns::{self, Column};
use super::figures::{FigureError, Row};
use super::install::{self, InstallError};
use super::names::Names;
use super::parts::figures;
use super::request::{Grouping, Report, ReportRequest, Role};
use super::store::Store;
use crate::room::{Guarded, NO_ROOM, Refused, Room};
use std::cell::Cell;
use std::io::{self, BufWriter, ErrorKind, Write};
use tollgate_catalog::Snapshot;
use tollgate_ledger::export::ExportError;
use tollgate_ledger::group::{Bounds, GroupError, Stop};
use tollgate_ledger::view::View;

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
        (Err(_), Some(Refused::TooLarge(_))) => Made::Refused(TOO_LARGE.to_owned()),
        (Err(_), Some(Refused::NoRoom)) => Made::Refused(NO_ROOM.to_owned()),
        (Err(failure), None) => failure.told(),
    }
}

fn write(
    (view, snapshot): (&View, &Snapshot),
    (id, request): (&str, &ReportRequest),
    (store, options): (&Store, &Options),
    stop: &Stop,
    refused: &Cell<Option<Refused>>,
) -> Result<(), InstallError> {
    let file = store.begin(id).map_err(ExportError::Write)?;
    let room = Room { most: options.file_bytes, reserve: options.reserve_bytes };
    let free_bytes = || store.free_bytes();
    let guarded = Guarded::new(file, &free_bytes, room, refused).map_err(ExportError::Write)?;
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
            // Rows that nobody wants any more are not written.
            bounds.spend(0).map_err(FigureError::from)?;
            table.write(&rows, &mut out).map_err(|error| InstallError::from(write(error)))
        })?;
    }
    let finished = out.into_inner().map_err(|error| error.into_error()).and_then(|buffer| {
        let guarded = buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
        store.finish(id, &guarded.into_inner())
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

const TOO_LARGE: &str = "The result would be too large: ask for fewer days, or for less to be told apart.";
