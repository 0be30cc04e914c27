//! `tollgate import`: on the directory when the server is stopped, through it when it runs.

use super::{Common, QUIET, prepare};
use crate::compose::House;
use crate::config::Config;
use crate::data_dir::{self, DataDir};
use crate::failure::Failure;
use crate::rejects::Rejects;
use crate::upload;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use tollgate_domain::{EventKind, IntegrationId};
use tollgate_intake::{
    Format, ImportMap, ImportRequest, Observer, Phase, Progress, RefusedLine, Summary, import,
};

const EXAMPLES: &str = "\
Examples:
  tollgate import --data-dir ./data --integration ID --kind click --format combined access.log
  tollgate import --data-dir ./data --integration ID --kind click --format csv --map map.toml clicks.csv
  tollgate import --data-dir ./data --integration ID --kind click --format ndjson --set publisher=p7 clicks.ndjson
  tollgate import --server http://127.0.0.1:8080 --api-key KEY --integration ID --kind click --format csv clicks.csv

A map says which of the file's columns is which of ours (ours = \"theirs\"). Columns it does not name become extra
parameters; without a map the file's names are ours.
  time = \"click_time\"          # the event's time
  [fields]
  offer = \"app\"
  publisher = \"channel\"
  uuid = \"ip\"
  [conversion]                 # rows that fill this column also make a conversion of their click
  time = \"attributed_time\"
  [conversion.fields]          # what the conversion says itself; all else is its click's
  revenue = \"payout\"

History is judged at its own times, in their order, whatever the order of the file. A line is stored once, however
often its file is imported. Refused lines go to FILE.rejects: line number, cause, the line itself. The exit code is 0
when the file was read to its end.";

/// Bring history in: a file of events through the same screening, at their own times
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Import {
    #[command(flatten)]
    common: Common,
    /// Whose history it is
    #[arg(long, value_name = "ID", value_parser = parse_integration)]
    integration: IntegrationId,
    /// What a line is: click, conversion or impression
    #[arg(long, value_name = "KIND", value_parser = parse_kind)]
    kind: EventKind,
    /// How the file is written: csv (with a header row), combined (Apache, nginx) or ndjson
    #[arg(long, value_name = "FORMAT", value_parser = |text: &str| text.parse::<Format>())]
    format: Format,
    /// Which of the file's columns is which of ours
    #[arg(long, value_name = "MAP.toml")]
    map: Option<PathBuf>,
    /// A field with the same value in every row; it wins over the file's
    #[arg(long, value_name = "FIELD=VALUE", value_parser = parse_set)]
    set: Vec<(String, String)>,
    /// Where refused lines go [default: FILE.rejects, else DATA_DIR/imports/FILE.rejects]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Address of a running server, instead of --data-dir
    #[arg(long, value_name = "URL", conflicts_with = "data_dir")]
    server: Option<String>,
    /// API key with write scope, for --server (better in TOLLGATE_API_KEY)
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// Data files: countries, address ranges, user agents [default: DATA_DIR/signals]
    #[arg(long, value_name = "DIR")]
    signals_dir: Option<PathBuf>,
    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,
    /// What to import
    file: PathBuf,
}

pub(super) fn parse_integration(text: &str) -> Result<IntegrationId, String> {
    text.parse().map_err(|error: tollgate_domain::Invalid| error.message)
}

pub(super) fn parse_kind(text: &str) -> Result<EventKind, String> {
    EventKind::from_name(text).ok_or_else(|| "must be click, conversion or impression".to_owned())
}

fn parse_set(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be FIELD=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Import {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let flags =
            self.common.flags().with("server", self.server.clone()).with("api_key", self.api_key.clone());
        let config = prepare(&flags.with_path("signals_dir", self.signals_dir.as_ref()), QUIET)?;
        let request = self.request()?;
        for (kind, name) in request.unknown_fields() {
            eprintln!("note: {name} is not a field of a {}; it is kept as an extra parameter", kind.name());
        }
        let shown = self.file.display();
        let file = File::open(&self.file).map_err(Failure::because(format!("{shown} cannot be read")))?;
        // A directory given on the command line wins over a server named elsewhere.
        let server = config.server.as_deref().filter(|_| self.common.data_dir.is_none());
        let fallback = config.data_dir.as_deref().map(data_dir::imports).filter(|_| server.is_none());
        let rejects = Rejects::new(&self.file, self.rejects.as_deref(), fallback.as_deref());
        let mut watcher = Watcher { bar: None, phase: None, rejects };
        let (summary, error) = match server {
            Some(server) => upload::import(server, config.api_key.as_deref(), &request, &file, &mut watcher)?,
            None => Self::locally(&config, &request, &file, &mut watcher)?,
        };
        self.report(&summary, watcher)?;
        match error {
            None => Ok(ExitCode::SUCCESS),
            Some(error) => Err(Failure::new(format!("{shown}: {error}"))),
        }
    }

    fn request(&self) -> Result<ImportRequest, Failure> {
        let map: Option<ImportMap> = match &self.map {
            None => None,
            Some(path) => {
                let shown = path.display();
                let text = std::fs::read_to_string(path)
                    .map_err(Failure::because(format!("{shown} cannot be read")))?;
                Some(toml::from_str(&text).map_err(|error| Failure::misuse(format!("{shown}: {error}")))?)
            }
        };
        let request = ImportRequest {
            integration: self.integration,
            kind: self.kind,
            format: self.format,
            map,
            set: self.set.clone(),
        };
        request.check().map_err(Failure::misuse)?;
        Ok(request)
    }

    /// Imports on the directory, which no server may be using.
    fn locally(
        config: &Config,
        request: &ImportRequest,
        file: &File,
        watcher: &mut Watcher,
    ) -> Result<(Summary, Option<String>), Failure> {
        let dir = DataDir::open(config.data_dir()?, "import").map_err(|failure| {
            failure
                .in_use("import through the running server instead: --server http://HOST:PORT --api-key KEY")
        })?;
        let open = House::open(config, dir)?.start(config)?;
        let result = import(&open.house.intake, request, file, watcher);
        open.close();
        Ok(match result {
            Ok(summary) => (summary, None),
            Err(failed) => (failed.summary, Some(failed.error.to_string())),
        })
    }

    fn report(&self, summary: &Summary, watcher: Watcher) -> Result<(), Failure> {
        if let Some(bar) = watcher.bar {
            bar.finish_and_clear();
        }
        let rejects =
            watcher.rejects.finish().map_err(Failure::because("the refused lines cannot be written down"))?;
        if self.json {
            println!("{}", serde_json::to_string(summary).map_err(Failure::new)?);
        } else {
            print!("{summary}");
        }
        if let Some(path) = rejects {
            eprintln!("refused lines, with number and cause: {}", path.display());
        }
        Ok(())
    }
}

/// Shows progress and writes refused lines down.
pub(crate) struct Watcher {
    bar: Option<ProgressBar>,
    phase: Option<Phase>,
    rejects: Rejects,
}

impl Watcher {
    /// A line was refused.
    pub(crate) fn reject(&mut self, line: u64, cause: &str, text: &[u8]) -> io::Result<()> {
        self.rejects.write(line, cause, text)
    }
}

impl Observer for Watcher {
    fn progress(&mut self, progress: Progress) -> ControlFlow<()> {
        if self.phase != Some(progress.phase) {
            if let Some(bar) = self.bar.take() {
                bar.finish_and_clear();
            }
            // Hidden by itself when standard error is no terminal.
            let bar = ProgressBar::new(progress.total);
            let what = match progress.phase {
                Phase::Checking => "checking {bar:40} {bytes}/{total_bytes}",
                Phase::Judging => "judging  {bar:40} {human_pos}/{human_len} events, {per_sec}, {eta} left",
            };
            bar.set_style(
                ProgressStyle::with_template(what).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            (self.bar, self.phase) = (Some(bar), Some(progress.phase));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(progress.done);
        }
        ControlFlow::Continue(())
    }

    fn refused(&mut self, refused: &RefusedLine) -> io::Result<()> {
        self.reject(refused.line, &refused.cause, &refused.text)
    }
}
