//! The file of a request, written to whoever wants its bytes: the Download Center's files, and those of commands.

use super::record::ExportRequest;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::ops::ControlFlow;
use tollgate_domain::row::Field;
use tollgate_domain::{Invalid, TxId};
use tollgate_ledger::export::{Encoding, ExportError, ExportQuery, Exported, Format, Progress};
use tollgate_ledger::query::Predicate;
use tollgate_ledger::view::View;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// CSV, as the request says.
    Csv,
    /// A JSON object to a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
}

impl FileFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Ndjson, Self::Parquet];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }

    /// The format of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// Writes all rows of a request to `out`, those of the cut `as_of` where one is given. It blocks, as [`View::export`] does.
pub fn write_file(
    view: &View,
    request: &ExportRequest,
    (format, as_of): (FileFormat, Option<u64>),
    threads: usize,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Exported, ExportError> {
    let query = ExportQuery { as_of, ..query(request)? };
    let encoding = encoding(request, format)?;
    if !request.gzip {
        return view.export(&query, &encoding, threads, out, progress);
    }
    let mut zipped = GzEncoder::new(out, Compression::fast());
    let exported = view.export(&query, &encoding, threads, &mut zipped, progress)?;
    zipped.finish().map_err(ExportError::Write)?;
    Ok(exported)
}

fn query(request: &ExportRequest) -> Result<ExportQuery, Invalid> {
    let mut predicates = Vec::new();
    for filter in &request.filters {
        let values = filter.values.iter().map(String::as_str);
        let parsed = Predicate::parse_all(request.kind, &filter.field, &filter.operator, values);
        predicates.extend(parsed.map_err(|errors| first(errors, &filter.field))?);
    }
    Ok(ExportQuery {
        kind: request.kind,
        integration: request.integration,
        from: TxId::first_at(request.from),
        to: TxId::first_at(request.to),
        predicates,
        as_of: None,
    })
}

/// Requests were checked, so at most a later version's wish is found here.
fn first(errors: Vec<Invalid>, field: &str) -> Invalid {
    errors.into_iter().next().unwrap_or_else(|| Invalid::new(field, "cannot be filtered by like this"))
}

/// The form of a request's file.
pub(super) fn encoding(request: &ExportRequest, format: FileFormat) -> Result<Encoding, Invalid> {
    let field = |name: &String| Field::from_name(name).ok_or_else(|| Invalid::new(name, "is not a field"));
    let format = match format {
        FileFormat::Csv => Format::Csv { delimiter: request.delimiter, safe_cells: request.safe_cells },
        FileFormat::Ndjson => Format::Ndjson,
        FileFormat::Parquet => Format::Parquet,
    };
    Ok(Encoding {
        format,
        fields: request.fields.iter().map(field).collect::<Result<_, _>>()?,
        extra_parameters: request.extra_parameters.clone(),
        organization: request.organization,
    })
}
