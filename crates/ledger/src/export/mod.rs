//! Exports: all rows of a query, oldest first, each once, encoded and written to wherever the caller wants them.
//!
//! The rows are those of one cut, with the amendments that were known by then; the pages of the same query with `as_of`
//! at the cut hold the same rows and, in each field, the same characters.

mod check;
#[cfg(test)]
mod reference;
mod shape;
mod table;
#[cfg(test)]
mod tests;
mod text;

use crate::query::Predicate;
use crate::scan::ScanError;
use crate::segment::Wanted;
use crate::sweep::{self, Strip, Worker};
use crate::view::View;
use shape::Shape;
use std::io::{self, Write};
use std::ops::ControlFlow;
use table::{Table, TableWorker};
use text::{Spare, TextWorker};
use tollgate_domain::row::Field;
use tollgate_domain::{EventKind, IntegrationId, Invalid, OrganizationId, TxId};

/// Which rows are exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportQuery {
    /// The one kind of rows.
    pub kind: EventKind,
    /// The one integration.
    pub integration: IntegrationId,
    /// Smallest id that belongs to the range.
    pub from: TxId,
    /// First id after the range.
    pub to: TxId,
    /// What every row must satisfy.
    pub predicates: Vec<Predicate>,
    /// Only rows and amendments with at most this `seq`, for an export of an earlier cut.
    pub as_of: Option<u64>,
}

/// The form of an exported file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180 in UTF-8 with CRLF and a header row. A cell is quoted when it has the delimiter, a quote or a line break.
    Csv {
        /// What stands between cells: an ASCII character, neither a quote nor a line break.
        delimiter: u8,
        /// Whether a single quote stands before a text that a spreadsheet would run as a formula: one that begins with
        /// `=`, `+`, `-`, `@`, a tab or a carriage return.
        safe_cells: bool,
    },
    /// One JSON object to a line.
    Ndjson,
    /// Apache Parquet, compressed with zstd. Ids, words and JSON are strings, times are timestamps in UTC, money is a
    /// decimal with six places.
    Parquet,
}

/// What of each row is written, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// The form of the file.
    pub format: Format,
    /// The fields, in the order of the columns; they need not be of the kind.
    pub fields: Vec<Field>,
    /// Names of parameters in `extra_parameters` that become columns after the fields.
    pub extra_parameters: Vec<String>,
    /// The rows' organization, for the field of this name.
    pub organization: OrganizationId,
}

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Rows written so far.
    pub rows: u64,
    /// Rows that were looked at so far to find these.
    pub read: u64,
    /// Bytes written so far.
    pub bytes: u64,
    /// The part of the work that is done, from 0 to 1; it never falls.
    pub share: f64,
}

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// How many rows.
    pub rows: u64,
    /// How many bytes.
    pub bytes: u64,
    /// The cut: nothing with a greater `seq` is in it.
    pub cut: u64,
}

/// An export was not finished. What was written so far is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// What was asked for cannot be written.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Whoever watched the progress broke it off.
    #[error("the export was canceled")]
    Canceled,
    /// The bytes could not be written.
    #[error("the export could not be written: {0}")]
    Write(#[source] io::Error),
    /// The history could not be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
}

impl View {
    /// Writes all rows of `query` to `out`, oldest first. It blocks, and reads on up to `threads` threads besides the
    /// calling one, which writes; they inherit its priority. Memory stays bounded however slow `out` is. `progress` is
    /// told after every part that was written, and may break the export off.
    pub fn export(
        &self,
        query: &ExportQuery,
        encoding: &Encoding,
        threads: usize,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Exported, ExportError> {
        encoding.check()?;
        let mut export = Export { view: self, query, encoding, threads: threads.max(1), out, progress };
        let written = match Shape::of(encoding) {
            Some(shape) => export.text(&shape)?,
            None => export.table()?,
        };
        let cut = query.as_of.map_or(self.cut(), |cut| cut.min(self.cut()));
        Ok(Exported { rows: written.rows, bytes: written.bytes, cut })
    }
}

/// What a thread makes of a strip.
struct Made<T> {
    /// Its rows.
    rows: u64,
    /// Rows that were looked at to find these.
    read: u64,
    /// The rows in the form of the file.
    encoded: T,
}

impl<T> Made<T> {
    fn of(strip: &Strip, encoded: T) -> Self {
        let rows: usize = strip.order.iter().map(|(_, range)| range.len()).sum();
        Self { rows: rows as u64, read: strip.read, encoded }
    }
}

/// An export under way.
struct Export<'e> {
    view: &'e View,
    query: &'e ExportQuery,
    encoding: &'e Encoding,
    threads: usize,
    out: &'e mut dyn Write,
    progress: &'e mut dyn FnMut(Progress) -> ControlFlow<()>,
}

impl Export<'_> {
    fn text(&mut self, shape: &Shape) -> Result<Progress, ExportError> {
        let spare = Spare::default();
        let mut workers: Vec<_> =
            (0..self.threads).map(|_| TextWorker { encoding: self.encoding, shape, spare: &spare }).collect();
        let mut written = Progress { rows: 0, read: 0, bytes: shape.header().len() as u64, share: 0.0 };
        self.out.write_all(shape.header()).map_err(ExportError::Write)?;
        self.sweep(&mut workers, &mut written, &mut |out, bytes| {
            out.write_all(&bytes)?;
            let length = bytes.len() as u64;
            spare.give(bytes);
            Ok(length)
        })?;
        self.told(Progress { share: 1.0, ..written })
    }

    fn table(&mut self) -> Result<Progress, ExportError> {
        let schema = table::schema(self.encoding);
        let mut workers: Vec<_> = (0..self.threads)
            .map(|_| TableWorker { encoding: self.encoding, schema: schema.clone() })
            .collect();
        let mut written = Progress { rows: 0, read: 0, bytes: 0, share: 0.0 };
        let mut table = Table::new(schema.clone()).map_err(ExportError::Write)?;
        self.sweep(&mut workers, &mut written, &mut |out, batch| table.write(batch, out))?;
        written.bytes += table.finish(self.out).map_err(ExportError::Write)?;
        self.told(Progress { share: 1.0, ..written })
    }

    /// Writes what the workers make with `write`, which says how many bytes that were.
    fn sweep<T: Send, W: Worker<Made = Made<T>>>(
        &mut self,
        workers: &mut [W],
        written: &mut Progress,
        write: &mut dyn FnMut(&mut dyn Write, T) -> io::Result<u64>,
    ) -> Result<(), ExportError> {
        let Self { view, query, encoding, out, progress, .. } = self;
        let ExportQuery { kind, integration, from, to, predicates, as_of } = *query;
        let walk = view.all((*kind, *integration), *from..*to, predicates, *as_of);
        let ids = encoding.fields.iter().any(|field| matches!(field, Field::RealTxId | Field::TxId));
        let wanted = Wanted { ids, seqs: false, columns: text::columns(encoding) };
        let mut failed = None;
        let mut take = |made: Made<T>, share| match write(&mut **out, made.encoded) {
            Ok(bytes) => {
                let (rows, read) = (written.rows + made.rows, written.read + made.read);
                *written = Progress { rows, read, bytes: written.bytes + bytes, share };
                progress(*written)
            }
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        };
        let ended = sweep::run(view, &walk, &wanted, workers, &mut take)?;
        match (ended, failed) {
            (_, Some(error)) => Err(ExportError::Write(error)),
            (ControlFlow::Break(()), None) => Err(ExportError::Canceled),
            (ControlFlow::Continue(()), None) => Ok(()),
        }
    }

    /// Tells of the end.
    fn told(&mut self, written: Progress) -> Result<Progress, ExportError> {
        if (self.progress)(written).is_break() { Err(ExportError::Canceled) } else { Ok(written) }
    }
}
