//! `tollgate export`: the events of a query as a file.

use super::query::Asked;
use super::{Bar, Common, QUIET, prepare};
use crate::control::{Access, follow};
use crate::failure::Failure;
use clap::{Args, ValueEnum};
use indicatif::HumanBytes;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tempfile::NamedTempFile;
use tollgate_domain::EventKind;
use tollgate_domain::row::Field;
use tollgate_http::control::{EXPORTS, ExportedRows};

const EXAMPLES: &str = "\
Examples:
  tollgate export click --data-dir ./data --integration abcdefghij --from 2026-03-01 --to 2026-03-31 -o clicks.csv
  tollgate export conversion --data-dir ./data --integration abcdefghij --fields real_tx_id,request_time,payout \\
    --filter status=approved --filter 'payout[gte]=0.5' --format ndjson --gzip -o conversions.ndjson.gz
  tollgate export click --data-dir ./data --integration abcdefghij --format parquet --as-of 4711 -o clicks.parquet

The server may run or not. Days are those of the integration's time zone, at most 366. Rows are written oldest first, those
of one cut of the history, whose seq is told on standard error; --as-of takes an earlier one. A CSV file has the bytes that the
Download Center's file of the same parameters has (docs/DOWNLOADS.md says how values are written); Parquet has typed columns.
A filter is FIELD=VALUE or FIELD[OPERATOR]=VALUE, with eq, ne, gt, gte, lt, lte, in (values separated by commas) and
contains; several of one field and eq are alternatives.

FILE gets its name when it is whole and durable, and takes the place of an earlier one; until then there is a file beside it
whose name begins with a dot and ends in .part.";

/// Write events of a kind to a file: CSV, NDJSON or Parquet
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Export {
    #[command(flatten)]
    common: Common,
    /// The events: click, conversion or impression
    #[arg(value_parser = super::import::parse_kind)]
    kind: EventKind,
    /// How the file is written
    #[arg(long, value_enum, default_value = "csv")]
    format: Form,
    /// The columns, comma-separated [default: every field of the kind]
    #[arg(long, value_name = "FIELDS")]
    fields: Option<String>,
    /// Names of extra parameters that become columns behind them, comma-separated
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true)]
    extra_parameters: String,
    #[command(flatten)]
    asked: Asked,
    /// The integration whose events they are
    #[arg(long, value_name = "ID")]
    integration: String,
    /// CSV: what stands between cells, one character or `tab` [default: ,]
    #[arg(long, value_name = "CHAR")]
    delimiter: Option<String>,
    /// CSV: put a quote before texts that a spreadsheet would run as a formula
    #[arg(long)]
    safe_cells: bool,
    /// Compress the file (CSV and NDJSON)
    #[arg(long)]
    gzip: bool,
    /// Where to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Csv,
    Ndjson,
    Parquet,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

impl Export {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let config = prepare(&self.common.flags(), QUIET)?;
        let is_binary = self.gzip || self.format == Form::Parquet;
        if is_binary && self.output.is_none() && io::stdout().is_terminal() {
            return Err(Failure::misuse("--output: a terminal shows neither Parquet nor what is compressed"));
        }
        let access = Access::open(&config, "export")?;
        let exported = self.export(&access);
        access.close();
        let (ExportedRows { rows, cut }, bytes) = exported?;
        eprintln!("{rows} rows as of seq {cut}, {}", HumanBytes(bytes));
        Ok(ExitCode::SUCCESS)
    }

    fn export(&self, access: &Access) -> Result<(ExportedRows, u64), Failure> {
        let parameters = serde_json::to_string(&self.parameters()?).map_err(Failure::new)?;
        let answer = access.ask(&format!("POST {EXPORTS}"), &parameters, super::query::flag)?;
        let mut out = Out::create(self.output.as_deref())?;
        let bar = Bar::new();
        let end = follow(answer, &mut out, &mut |share| bar.show(share));
        drop(bar);
        let exported = serde_json::from_value(end?).map_err(Failure::new)?;
        Ok((exported, out.finish()?))
    }

    /// The parameters, by the names that the API has for them.
    fn parameters(&self) -> Result<Vec<(String, String)>, Failure> {
        let all = || Field::of_kind(self.kind).map(Field::name).collect::<Vec<_>>().join(",");
        let mut pairs = self.asked.parameters()?;
        let mut add = |name: &str, value: String| pairs.push((name.to_owned(), value));
        add("integration_id", self.integration.clone());
        add("kind", self.kind.name().to_owned());
        add("format", self.format.name().to_owned());
        add("fields", self.fields.clone().unwrap_or_else(all));
        add("extra_parameters", self.extra_parameters.clone());
        if let Some(delimiter) = &self.delimiter {
            add("delimiter", delimiter.clone());
        }
        for (name, is_given) in [("safe_cells", self.safe_cells), ("gzip", self.gzip)] {
            if is_given {
                add(name, "true".to_owned());
            }
        }
        Ok(pairs)
    }
}

/// Where the bytes go.
struct Out {
    to: Place,
    bytes: u64,
}

enum Place {
    Standard(BufWriter<io::Stdout>),
    File { file: BufWriter<NamedTempFile>, path: PathBuf },
}

impl Out {
    fn create(output: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = output else {
            return Ok(Self { to: Place::Standard(BufWriter::new(io::stdout())), bytes: 0 });
        };
        let shown = path.display();
        let name = path.file_name().ok_or_else(|| Failure::misuse(format!("--output {shown} is no file")))?;
        // A device or a pipe would be replaced by a file, and so would a link.
        if std::fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
            return Err(Failure::misuse(format!("--output {shown} is there and is not a regular file")));
        }
        let prefix = format!(".{}.", name.to_string_lossy());
        let file = tempfile::Builder::new().prefix(&prefix).suffix(".part").tempfile_in(folder(path));
        let file = file.map_err(Failure::because(format!("--output {shown} cannot be written")))?;
        Ok(Self { to: Place::File { file: BufWriter::new(file), path: path.to_owned() }, bytes: 0 })
    }

    /// Gives the file its name, durably; answers how many bytes were written.
    fn finish(self) -> Result<u64, Failure> {
        let cannot = |path: &Path| Failure::because(format!("--output {} cannot be written", path.display()));
        match self.to {
            Place::Standard(mut out) => {
                out.flush().map_err(Failure::because("standard output cannot be written"))?;
            }
            Place::File { file, path } => {
                let file = file.into_inner().map_err(|error| cannot(&path)(error.into_error()))?;
                file.as_file().sync_all().map_err(cannot(&path))?;
                file.persist(&path).map_err(|error| cannot(&path)(error.error))?;
                let folder = std::fs::File::open(folder(&path)).and_then(|folder| folder.sync_all());
                folder.map_err(cannot(&path))?;
            }
        }
        Ok(self.bytes)
    }
}

/// The folder that a file lies in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.to {
            Place::Standard(out) => out.write(bytes)?,
            Place::File { file, .. } => file.write(bytes)?,
        };
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            Place::Standard(out) => out.flush(),
            Place::File { file, .. } => file.flush(),
        }
    }
}
