//! Exports: all rows of a query, oldest first, each once, encoded and written to wherever the caller wants them.
//!
//! The rows are those of one cut, with the amendments that were known by then; the pages of the same query with `as_of`
//! at the cut hold the same rows and, in each field, the same characters.

mod check;
mod rows;

use crate::query::{Cursor, PageQuery, Predicate};
use crate::scan::{Budget, Direction, Scan, ScanError};
use crate::view::View;
use rows::RowEncoder;
use std::io::{self, Write};
use std::ops::ControlFlow;
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
    /// Apache Parquet.
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

/// Rows that are encoded at a time.
const CHUNK: usize = 4096;

impl View {
    /// Writes all rows of `query` to `out`, oldest first. It blocks, on up to `threads` threads; memory stays bounded
    /// however slow `out` is. `progress` is told after every part that was written, and may break the export off.
    pub fn export(
        &self,
        query: &ExportQuery,
        encoding: &Encoding,
        threads: usize,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Exported, ExportError> {
        encoding.check()?;
        let _ = threads;
        let page = PageQuery {
            kind: query.kind,
            integration: query.integration,
            from: query.from,
            to: query.to,
            cursor: Cursor::Newest,
            limit: 0,
            predicates: query.predicates.clone(),
            as_of: query.as_of,
        };
        let walk = self.walk(&page, query.from..query.to, Direction::Newer);
        let mut scan = Scan::new(self, &walk)?;
        let mut encoder = RowEncoder::new(encoding)?;
        let mut budget = Budget::new(u64::MAX);
        let mut written = Progress { rows: 0, bytes: 0, share: 0.0 };
        let mut found = Vec::with_capacity(CHUNK);
        loop {
            while found.len() < CHUNK
                && let Some(row) = scan.next(&mut budget)?
            {
                found.push(row);
            }
            let events = scan.events(&found)?;
            events.iter().for_each(|event| encoder.push(event));
            let bytes = encoder.take();
            out.write_all(&bytes).map_err(ExportError::Write)?;
            written.rows += events.len() as u64;
            written.bytes += bytes.len() as u64;
            let last = found.len() < CHUNK;
            written.share = match events.last() {
                Some(event) if !last => share(&walk.range, event.id).max(written.share),
                _ => 1.0,
            };
            if progress(written).is_break() {
                return Err(ExportError::Canceled);
            }
            if last {
                let cut = query.as_of.map_or(self.cut(), |cut| cut.min(self.cut()));
                return Ok(Exported { rows: written.rows, bytes: written.bytes, cut });
            }
            found.clear();
        }
    }
}

fn share(range: &std::ops::Range<TxId>, reached: TxId) -> f64 {
    let millis = |id: TxId| id.time().millis() as f64;
    let all = millis(range.end) - millis(range.start);
    if all > 0.0 { ((millis(reached) - millis(range.start)) / all).clamp(0.0, 1.0) } else { 0.0 }
}
