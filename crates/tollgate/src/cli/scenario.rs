//! `tollgate demo --scenario`: labelled traffic of known attacks, and what the presets made of it.

use super::{Common, Defaults, init, prepare};
use crate::compose::{self, House, OpenHouse};
use crate::demo;
use crate::demo::scenario::{Report, SCENARIOS, Scenario, TABLE_HEAD};
use crate::failure::Failure;
use clap::Args;
use clap::builder::PossibleValuesParser;
use std::io::Write;
use std::process::ExitCode;
use tollgate_catalog::init::InitOptions;
use tollgate_domain::OrganizationId;

const DEFAULTS: Defaults = Defaults { data_dir: Some("demo-scenarios"), log: "warn" };

/// Stands for every scenario.
const ALL: &str = "all";

/// What `demo` takes to measure instead of serve.
#[derive(Debug, Args)]
pub(super) struct Measure {
    /// Judge a scenario's labelled traffic and print what was caught, or that of `all`; serves nothing
    #[arg(long, value_name = "NAME", value_parser = names(), conflicts_with_all = SERVING)]
    scenario: Option<String>,
    /// How much of the scenario's traffic to make, from 1 to 100
    #[arg(long, value_name = "PERCENT", requires = "scenario", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100))]
    percent: u64,
    /// Print the scenarios' figures as one JSON array
    #[arg(long, requires = "scenario", conflicts_with = "lines")]
    json: bool,
    /// Print the traffic itself and judge nothing: NDJSON, a click to a line, with its conversion
    #[arg(long, requires = "scenario", conflicts_with = "data_dir")]
    lines: bool,
}

/// What only a server takes: the flags of [`super::Serving`].
const SERVING: [&str; 8] =
    ["listen", "tls_cert", "tls_key", "tls_listen", "admin_listen", "signals_dir", "cores", "gateway_domain"];

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(SCENARIOS.iter().map(|scenario| scenario.name).chain([ALL]))
}

impl Measure {
    pub(super) fn is_wanted(&self) -> bool {
        self.scenario.is_some()
    }

    pub(super) fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        if self.lines {
            return self.print_lines();
        }
        let mut config = prepare(&common.flags(), DEFAULTS)?;
        // Figures rest on the compiled-in rules and the demonstration's ranges, whatever data files the machine has.
        config.signals_dir = None;
        let root = config.data_dir()?.to_owned();
        let options = InitOptions { organization: "Scenarios".to_owned(), ..InitOptions::default() };
        let (dir, made) = init::make(&root, &options)?;
        demo::write_ranges(&compose::signals_dir(&config, &root))?;
        let open = House::open(&config, dir)?.start(&config)?;
        let measured = self.measure(&open, made.organization_id);
        open.close();
        self.print(&measured?)?;
        Ok(ExitCode::SUCCESS)
    }

    fn chosen(&self) -> impl Iterator<Item = &'static Scenario> {
        let name = self.scenario.as_deref().unwrap_or(ALL);
        SCENARIOS.iter().filter(move |scenario| name == ALL || name == scenario.name)
    }

    fn print_lines(&self) -> Result<ExitCode, Failure> {
        let mut out = std::io::stdout().lock();
        for scenario in self.chosen() {
            let lines = scenario.lines(self.percent);
            out.write_all(&lines).map_err(Failure::because("the lines cannot be printed"))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn measure(&self, open: &OpenHouse, organization: OrganizationId) -> Result<Vec<Report>, Failure> {
        let mut reports = Vec::new();
        for scenario in self.chosen() {
            eprintln!("{}: {}…", scenario.name, scenario.about);
            reports.extend(scenario.run(open, organization, self.percent)?);
        }
        Ok(reports)
    }

    fn print(&self, reports: &[Report]) -> Result<(), Failure> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(reports).map_err(Failure::new)?);
            return Ok(());
        }
        print!("{TABLE_HEAD}");
        for report in reports {
            print!("{report}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flag_of_a_server_is_forgotten() {
        let serving = super::super::Serving::augment_args(clap::Command::new("serve"));
        let all: Vec<&str> = serving.get_arguments().map(|argument| argument.get_id().as_str()).collect();
        assert_eq!(all, SERVING);
    }
}
