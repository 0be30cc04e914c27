//! Events read one by one, within bounds.

use serde::de::DeserializeOwned;
use std::io::{self, Write};
use std::ops::ControlFlow;
use tollgate_domain::row::Field;
use tollgate_domain::{Column, OrganizationId};
use tollgate_ledger::export::{Encoding, ExportError, ExportQuery, Format};
use tollgate_ledger::group::{Bounds, GroupError};
use tollgate_ledger::view::View;

/// Why not all events were read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// It would take more than it may, or nobody wants them any more.
    #[error(transparent)]
    Bounds(#[from] GroupError),
    /// They could not be read, or whoever took them failed.
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// Some fields of events, as JSON has them. The bounds hold for all queries together.
pub(crate) struct Events<'v> {
    view: &'v View,
    encoding: Encoding,
    bounds: &'v Bounds,
}

impl<'v> Events<'v> {
    /// Those of `view`, an organization's, with these fields, be they columns that are for the ledger alone.
    pub(crate) fn new(
        view: &'v View,
        organization: OrganizationId,
        fields: &[&str],
        bounds: &'v Bounds,
    ) -> Self {
        let stored = |name: &str| Column::from_name(name).map(Field::Stored);
        let fields = fields.iter().filter_map(|name| Field::from_name(name).or_else(|| stored(name)));
        let encoding = Encoding {
            format: Format::Ndjson,
            fields: fields.collect(),
            extra_parameters: Vec::new(),
            organization,
        };
        Self { view, encoding, bounds }
    }

    /// Hands over each event of a query, oldest first. The calling thread waits.
    pub(crate) fn each<T: DeserializeOwned>(
        &self,
        query: &ExportQuery,
        take: &mut dyn FnMut(T) -> io::Result<()>,
    ) -> Result<(), ReadError> {
        let (mut read, mut refused) = (0, None);
        let mut go_on = |looked_at: u64| {
            let spent = self.bounds.spend(looked_at - read);
            read = looked_at;
            refused = spent.err();
            if refused.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let mut line = |line: &[u8]| take(serde_json::from_slice(line)?);
        let mut lines = Lines { take: &mut line, line: Vec::new() };
        let done =
            self.view.export(query, &self.encoding, 1, &mut lines, &mut |progress| go_on(progress.read));
        match (done, refused) {
            (Err(ExportError::Canceled), Some(refused)) => Err(refused.into()),
            (done, _) => Ok(done.map(drop)?),
        }
    }
}

/// Hands over each line that is written, without its end.
struct Lines<'t> {
    take: &'t mut dyn FnMut(&[u8]) -> io::Result<()>,
    line: Vec<u8>,
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&rest[..at]);
            (self.take)(&self.line)?;
            self.line.clear();
            rest = &rest[at + 1..];
        }
        self.line.extend_from_slice(rest);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
