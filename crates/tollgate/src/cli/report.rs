//! `tollgate report`: tables and grouped reports, as the API answers them.

use super::query::{Asked, flag};
use super::{Common, QUIET, prepare};
use crate::config::Config;
use crate::control::Access;
use crate::failure::Failure;
use crate::tabular::{self, Row};
use crate::upload::{encoded, get_body};
use clap::{Args, Subcommand, ValueEnum};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use tollgate_domain::EventKind;
use tollgate_domain::row::Field;

const EXAMPLES: &str = "\
Examples:
  tollgate report clicks --data-dir ./data --integration abcdefghij --from 2026-03-01 --to 2026-03-31 \\
    --filter status=rejected --limit 200
  tollgate report groups --data-dir ./data --from 2026-03-01 --to 2026-03-31 --by country,publisher \\
    --sort -total --compare
  tollgate report groups --server http://127.0.0.1:8080 --api-key KEY --from 2026-03-01 --to 2026-03-01 \\
    --by hour --kind conversion --form csv

The server may run or not. Figures, filters, keys and their meaning are the API's (GET /api/v2/reports/v2/…); days are those of
each integration's time zone. A filter is FIELD=VALUE or FIELD[OPERATOR]=VALUE, with eq, ne, gt, gte, lt, lte, in and contains.";

/// The largest page of the API.
const PAGE: u32 = 100;

/// Show events, or what became of them by up to three keys
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReportCommand {
    #[command(subcommand)]
    command: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Show clicks, newest first
    ///
    /// As in `tollgate report clicks --data-dir ./data --integration ID --from 2026-03-01 --to 2026-03-31`.
    Clicks(Table),
    /// Show conversions, newest first
    ///
    /// As in `tollgate report conversions --data-dir ./data --integration ID --from 2026-03-01 --to 2026-03-31`.
    Conversions(Table),
    /// Show impressions, newest first
    ///
    /// As in `tollgate report impressions --data-dir ./data --integration ID --from 2026-03-01 --to 2026-03-31`.
    Impressions(Table),
    /// Count events by keys, with what became of them and what they paid
    ///
    /// As in `tollgate report groups --data-dir ./data --by country --from 2026-03-01 --to 2026-03-31 --compare`.
    Groups(Groups),
}

/// What both sorts of reports take.
#[derive(Debug, Args)]
struct Shared {
    #[command(flatten)]
    common: Common,
    /// Address of a running server, instead of --data-dir
    #[arg(long, value_name = "URL", conflicts_with = "data_dir")]
    server: Option<String>,
    /// API key with read scope, for --server (better in TOLLGATE_API_KEY)
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    #[command(flatten)]
    asked: Asked,
    /// How it is written
    #[arg(long, value_enum, default_value = "text")]
    form: Form,
    /// How many rows at most
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
    Csv,
}

#[derive(Debug, Args)]
struct Table {
    #[command(flatten)]
    shared: Shared,
    /// The integration whose events they are
    #[arg(long, value_name = "ID")]
    integration: String,
    /// The columns of text and CSV, comma-separated [default: a few in text, every field in CSV]
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    fields: Vec<String>,
    /// Only events older than the one of this real_tx_id
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

#[derive(Debug, Args)]
struct Groups {
    #[command(flatten)]
    shared: Shared,
    /// One to three keys, comma-separated, as in country,publisher
    #[arg(long, value_name = "KEYS")]
    by: String,
    /// The events that are counted: click, conversion or impression
    #[arg(long, value_name = "KIND", default_value = "click")]
    kind: String,
    /// The integrations whose events are counted, comma-separated [default: all of the organization]
    #[arg(long, value_name = "IDS")]
    integration: Option<String>,
    /// The organization's id; needed where there are several and no --integration says which
    #[arg(long, value_name = "ID", conflicts_with = "server")]
    organization: Option<String>,
    /// Keys and measures, the first one first; `-` before one is descending
    #[arg(long, value_name = "KEYS", allow_hyphen_values = true)]
    sort: Option<String>,
    /// The page of --limit groups, where --limit is at most 100
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    page: u32,
    /// Show the same of as many days before, too
    #[arg(long)]
    compare: bool,
}

/// Who is asked.
enum Way {
    Server { url: String, api_key: Option<String> },
    Directory(Access),
}

impl Way {
    fn open(shared: &Shared) -> Result<Self, Failure> {
        let flags = shared
            .common
            .flags()
            .with("server", shared.server.clone())
            .with("api_key", shared.api_key.clone());
        let config: Config = prepare(&flags, QUIET)?;
        // A directory given on the command line wins over a server named elsewhere.
        match config.server.clone().filter(|_| shared.common.data_dir.is_none()) {
            Some(url) => Ok(Self::Server { url, api_key: config.api_key.clone() }),
            None => Ok(Self::Directory(Access::open(&config, "report")?)),
        }
    }

    /// One page of a report.
    fn page<T: DeserializeOwned>(
        &self,
        report: &str,
        organization: Option<&str>,
        parameters: &[(String, String)],
    ) -> Result<T, Failure> {
        let pairs = parameters.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let query = pairs.collect::<Vec<_>>().join("&");
        let mut body = Vec::new();
        let read = match self {
            Self::Server { url, api_key } => {
                let path = format!("/api/v2/reports/v2/{report}?{query}");
                get_body(url, api_key.as_deref(), &path, flag)?.read_to_end(&mut body)
            }
            Self::Directory(access) => {
                let of = organization.map_or(String::new(), |id| format!("/organizations/{}", encoded(id)));
                access.ask(&format!("GET {of}/reports/{report}?{query}"), "", flag)?.read_to_end(&mut body)
            }
        };
        read.map_err(Failure::because("the server's answer broke off"))?;
        serde_json::from_slice(&body).map_err(Failure::because("the server's answer is not understood"))
    }

    fn close(self) {
        if let Self::Directory(access) = self {
            access.close();
        }
    }
}

impl ReportCommand {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let (shared, kind) = match &self.command {
            Which::Clicks(table) => (&table.shared, EventKind::Click),
            Which::Conversions(table) => (&table.shared, EventKind::Conversion),
            Which::Impressions(table) => (&table.shared, EventKind::Impression),
            Which::Groups(groups) => (&groups.shared, EventKind::Click),
        };
        let way = Way::open(shared)?;
        let report = match &self.command {
            Which::Clicks(table) | Which::Conversions(table) | Which::Impressions(table) => {
                table.report(&way, kind)
            }
            Which::Groups(groups) => groups.report(&way),
        };
        way.close();
        let (report, note) = report?;
        let written = io::stdout().write_all(report.as_bytes()).and_then(|()| io::stdout().flush());
        written.map_err(Failure::because("standard output cannot be written"))?;
        if let Some(note) = note {
            eprintln!("{note}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What is printed, and what is said beside it.
type Report = (String, Option<String>);

/// A page of a table, as the API answers it.
#[derive(Deserialize, Serialize)]
struct TablePage {
    data: Vec<Box<RawValue>>,
    #[serde(rename = "pageInfo")]
    info: PageInfo,
}

#[derive(Deserialize)]
struct TableAnswer {
    data: TablePage,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    start_cursor: Option<String>,
    end_cursor: Option<String>,
    has_previous_page: bool,
    has_next_page: bool,
}

/// The columns of a table as text.
const COLUMNS: &[&str] = &[
    "request_time",
    "real_tx_id",
    "offer_id",
    "publisher",
    "sub_id",
    "country",
    "status",
    "rejection",
    "payout",
];

impl Table {
    fn report(&self, way: &Way, kind: EventKind) -> Result<Report, Failure> {
        let columns = self.columns(kind)?;
        let page = self.pages(way, kind)?;
        let more = page.info.end_cursor.as_ref().filter(|_| page.info.has_next_page);
        let note = more.map(|cursor| format!("there are more: --after {cursor}"));
        let text = match self.shared.form {
            Form::Json => line(&page)?,
            Form::Text => tabular::text(&columns, &rows(&page.data)?),
            Form::Csv => tabular::csv(&columns, &rows(&page.data)?),
        };
        Ok((text, note))
    }

    fn columns(&self, kind: EventKind) -> Result<Vec<String>, Failure> {
        let known: Vec<&str> = Field::of_kind(kind).map(Field::name).collect();
        if let Some(unknown) = self.fields.iter().find(|name| !known.contains(&name.as_str())) {
            let known = known.join(", ");
            return Err(Failure::misuse(format!(
                "--fields: {unknown:?} is not a known field; known are {known}"
            )));
        }
        Ok(match self.shared.form {
            _ if !self.fields.is_empty() => self.fields.clone(),
            Form::Text => COLUMNS.iter().map(|name| (*name).to_owned()).collect(),
            Form::Json | Form::Csv => known.iter().map(|name| (*name).to_owned()).collect(),
        })
    }

    /// As many pages as there are rows asked for, as one.
    fn pages(&self, way: &Way, kind: EventKind) -> Result<TablePage, Failure> {
        let mut all: Option<TablePage> = None;
        loop {
            let got = all.as_ref().map_or(0, |all| all.data.len() as u32);
            let mut parameters = self.shared.asked.parameters()?;
            let mut add = |name: &str, value: &str| parameters.push((name.to_owned(), value.to_owned()));
            add("integration_id", &self.integration);
            add("page[size]", &(self.shared.limit - got).min(PAGE).to_string());
            let cursor = all.as_ref().map_or(self.after.as_ref(), |all| all.info.end_cursor.as_ref());
            if let Some(cursor) = cursor {
                add("page[after]", cursor);
            }
            let report = format!("{}-table", kind.name());
            let TableAnswer { data: page } = way.page(&report, None, &parameters)?;
            let joined = match all.take() {
                None => page,
                Some(before) => before.and(page),
            };
            if !joined.info.has_next_page || joined.data.len() as u32 >= self.shared.limit {
                return Ok(joined);
            }
            all = Some(joined);
        }
    }
}

impl TablePage {
    /// With the page after it.
    fn and(mut self, next: Self) -> Self {
        self.data.extend(next.data);
        self.info.end_cursor = next.info.end_cursor.or(self.info.end_cursor);
        self.info.has_next_page = next.info.has_next_page;
        self
    }
}

/// A page of groups, as the API answers it.
#[derive(Deserialize, Serialize)]
struct GroupPage {
    data: Vec<Box<RawValue>>,
    totals: Box<RawValue>,
    meta: Meta,
}

#[derive(Deserialize, Serialize)]
struct Meta {
    total_count: u64,
    as_of: u64,
}

impl Groups {
    fn report(&self, way: &Way) -> Result<Report, Failure> {
        let page = self.pages(way)?;
        let (shown, all) = (page.data.len() as u64, page.meta.total_count);
        let note = (shown < all).then(|| format!("{shown} of {all} groups; --limit and --page show others"));
        if self.shared.form == Form::Json {
            return Ok((line(&page)?, note));
        }
        let mut groups = rows(&page.data)?;
        if self.shared.form == Form::Text {
            let mut totals = rows(std::slice::from_ref(&page.totals))?;
            let first = self.by.split(',').next().unwrap_or_default().to_owned();
            totals.iter_mut().for_each(|row| drop(row.insert(first.clone(), all_groups())));
            groups.extend(totals);
        }
        let groups = groups.into_iter().map(flat).collect::<Result<Vec<_>, _>>()?;
        let columns = self.columns(&groups);
        Ok(match self.shared.form {
            Form::Csv => (tabular::csv(&columns, &groups), note),
            Form::Text | Form::Json => (tabular::text(&columns, &groups), note),
        })
    }

    /// Keys first, then measures, each with that of the days before.
    fn columns(&self, groups: &[Row]) -> Vec<String> {
        let mut columns: Vec<String> = self.by.split(',').map(str::to_owned).collect();
        for measure in MEASURES {
            let names = [measure.to_owned(), format!("previous_{measure}")];
            columns.extend(names.into_iter().filter(|name| groups.iter().any(|row| row.contains_key(name))));
        }
        columns
    }

    fn pages(&self, way: &Way) -> Result<GroupPage, Failure> {
        let size = self.shared.limit.min(PAGE);
        if self.page > 1 && self.shared.limit > PAGE {
            return Err(Failure::misuse(format!("--page goes with --limit up to {PAGE}")));
        }
        let mut all: Option<GroupPage> = None;
        let mut number = self.page;
        loop {
            let parameters = self.parameters(number, size, all.as_ref().map(|all| all.meta.as_of))?;
            let page: GroupPage = way.page("grouped", self.organization.as_deref(), &parameters)?;
            let mut joined = match all.take() {
                None => page,
                Some(mut before) => {
                    before.data.extend(page.data);
                    before
                }
            };
            let is_last = u64::from(number) * u64::from(size) >= joined.meta.total_count;
            if is_last || joined.data.len() as u32 >= self.shared.limit {
                joined.data.truncate(self.shared.limit as usize);
                return Ok(joined);
            }
            number += 1;
            all = Some(joined);
        }
    }

    /// `cut` is that of the pages before.
    fn parameters(&self, number: u32, size: u32, cut: Option<u64>) -> Result<Vec<(String, String)>, Failure> {
        let mut parameters = self.shared.asked.parameters()?;
        let mut add = |name: &str, value: String| parameters.push((name.to_owned(), value));
        add("group_by", self.by.clone());
        add("kind", self.kind.clone());
        add("page[number]", number.to_string());
        add("page[size]", size.to_string());
        if let Some(integration) = &self.integration {
            add("integration_id", integration.clone());
        }
        if let Some(sort) = &self.sort {
            add("sort", sort.clone());
        }
        if self.compare {
            add("compare", "previous".to_owned());
        }
        if let Some(cut) = cut.filter(|_| !self.shared.asked.has_cut()) {
            add("as_of", cut.to_string());
        }
        Ok(parameters)
    }
}

/// What stands in the place of keys where all groups are added up.
fn all_groups() -> Box<RawValue> {
    RawValue::from_string("\"(all)\"".to_owned()).unwrap_or_default()
}

/// The measures, in the order of the API.
const MEASURES: [&str; 8] =
    ["total", "approved", "rejected", "monitored", "conversions", "conversion_rate", "revenue", "payout"];

/// The measures of the days before as fields of the group.
fn flat(mut group: Row) -> Result<Row, Failure> {
    if let Some(previous) = group.remove("previous") {
        let previous: Row = serde_json::from_str(previous.get()).map_err(Failure::new)?;
        group.extend(previous.into_iter().map(|(name, value)| (format!("previous_{name}"), value)));
    }
    Ok(group)
}

fn rows(data: &[Box<RawValue>]) -> Result<Vec<Row>, Failure> {
    data.iter().map(|row| serde_json::from_str(row.get()).map_err(Failure::new)).collect()
}

fn line(value: &impl Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string(value).map_err(Failure::new)? + "\n")
}
