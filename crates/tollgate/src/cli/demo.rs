//! `tollgate demo`.

use super::scenario::Measure;
use super::{Common, Defaults, Serving, init, prepare};
use crate::clock::SystemClock;
use crate::compose::{self, House, OpenHouse};
use crate::config::Config;
use crate::data_dir::{self, DataDir};
use crate::demo::{self, Demo, FILE};
use crate::failure::Failure;
use crate::serve::serve;
use clap::Args;
use std::path::Path;
use std::process::ExitCode;
use tollgate_catalog::init::InitOptions;
use tollgate_domain::Clock;

const EXAMPLES: &str = "\
Examples:
  tollgate demo
  tollgate demo --data-dir /tmp/demo --listen 127.0.0.1:9000
  tollgate demo --scenario all
  tollgate demo --scenario click_flood --percent 25 --json --data-dir /tmp/flood

The first start makes the directory and fills it with three days of labelled traffic: people, crawlers, servers,
duplicates, a click flood (the label is an extra parameter, `label`). It is the same traffic every time. Later starts
add nothing. Delete the directory to begin anew.

With --scenario nothing is served: labelled traffic of known attacks is judged by the presets, and what they caught is
printed, as rows of a Markdown table or with --json. The directory (default demo-scenarios) must be new; afterwards
`tollgate serve --data-dir demo-scenarios` shows every event with its evidence.";

const DEFAULTS: Defaults = Defaults { data_dir: Some("demo-data"), log: "warn" };

/// See it work: a server with traffic of all sorts, and the commands to look at it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DemoCommand {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    serving: Serving,
    #[command(flatten)]
    measure: Measure,
}

impl DemoCommand {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        if self.measure.is_wanted() {
            return self.measure.run(&self.common);
        }
        let config = prepare(&self.serving.add_to(self.common.flags()), DEFAULTS)?;
        let root = config.data_dir()?.to_owned();
        let (dir, mut demo) = open(&config, &root)?;
        let mut house = House::open(&config, dir)?;
        if !demo.complete {
            // Filling ends with a checkpoint and a closed house: the server then starts as it always does.
            let open = house.start(&config)?;
            let filled = fill(&mut demo, &open);
            open.close();
            filled?;
            house = House::open(&config, DataDir::open(&root, "demo")?)?;
        }
        let invitation = demo.invite(&house)?;
        serve(&config, house, |address| {
            print!("{}", demo.first_steps(&root, address, SystemClock.now()));
            println!("\n{}", demo::to_console(address, &invitation));
            Ok(())
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The demonstration's directory, made when there is none.
fn open(config: &Config, root: &Path) -> Result<(DataDir, Demo), Failure> {
    let shown = root.display();
    if !data_dir::catalog(root).exists() {
        let options = InitOptions { organization: "Demo organization".to_owned(), ..InitOptions::default() };
        let (dir, made) = init::make(root, &options)?;
        let demo = Demo::new(&made, SystemClock.now());
        demo.save(root)?;
        if config.signals_dir.is_none() {
            demo::write_ranges(&compose::signals_dir(config, root))?;
        }
        return Ok((dir, demo));
    }
    let dir = DataDir::open(root, "demo")?;
    match Demo::load(root)? {
        Some(demo) => Ok((dir, demo)),
        None => Err(Failure::new(format!(
            "{shown} is a data directory but not a demonstration's (it has no {FILE}); \
             run `tollgate serve --data-dir {shown}`, or choose another with --data-dir"
        ))),
    }
}

fn fill(demo: &mut Demo, open: &OpenHouse) -> Result<(), Failure> {
    eprintln!("making three days of traffic…");
    let summary = demo.fill(open)?;
    eprint!("{summary}");
    Ok(())
}
