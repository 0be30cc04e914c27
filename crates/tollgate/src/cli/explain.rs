//! `tollgate explain`: on the directory when the server is stopped, through it when it runs.

use super::{Common, QUIET, prepare};
use crate::compose::House;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::explained;
use crate::failure::Failure;
use crate::upload;
use clap::Args;
use serde_json::Value;
use std::process::ExitCode;
use tollgate_domain::TxId;
use tollgate_http::native::events::Explanation;
use tollgate_intake::Effort;

const EXAMPLES: &str = "\
Examples:
  tollgate explain --data-dir ./data 01K5R1B0Z3M8Q0V6XZ2W4T7YHN
  tollgate explain --server http://127.0.0.1:8080 --api-key KEY 01K5R1B0Z3M8Q0V6XZ2W4T7YHN
  tollgate explain --data-dir ./data --json 01K5R1B0Z3M8Q0V6XZ2W4T7YHN

ID is an event's real_tx_id: reports show it, and the gateway answers it as transaction_id. What every filter saw is
told against what it allows, with the one change that would have made it come out the other way, as in
  #1 duplicate_user  reject  rejected
       DUPLICATE_IP  ip  observed 2, threshold 1  (2 counted in 1 day; offer_id=7, ip=198.51.100.4)
                     It would have passed with allowed_duplicates 2 or more.";

/// Tell why an event was judged as it was: the group, what each filter saw, and what would have flipped it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Explain {
    #[command(flatten)]
    common: Common,
    /// Address of a running server, instead of --data-dir
    #[arg(long, value_name = "URL", conflicts_with = "data_dir")]
    server: Option<String>,
    /// API key with read scope, for --server (better in TOLLGATE_API_KEY)
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// Print the explanation as one JSON object, as GET /tollgate/v1/events/ID/explanation answers it
    #[arg(long)]
    json: bool,
    /// The event's id
    #[arg(value_name = "ID", value_parser = parse_id)]
    id: TxId,
}

fn parse_id(text: &str) -> Result<TxId, String> {
    text.parse().map_err(|error: tollgate_domain::Invalid| error.message)
}

impl Explain {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let flags =
            self.common.flags().with("server", self.server.clone()).with("api_key", self.api_key.clone());
        let config = prepare(&flags, QUIET)?;
        // A directory given on the command line wins over a server named elsewhere.
        let server = config.server.as_deref().filter(|_| self.common.data_dir.is_none());
        let explanation = match server {
            Some(server) => {
                let path = format!("/tollgate/v1/events/{}/explanation", self.id);
                upload::get(server, config.api_key.as_deref(), &path)?
            }
            None => self.locally(&config)?,
        };
        if self.json {
            println!("{explanation}");
        } else {
            print!("{}", explained::text(&explanation));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Explains from the directory, which no server may be using.
    fn locally(&self, config: &Config) -> Result<Value, Failure> {
        let dir = DataDir::open(config.data_dir()?, "explain").map_err(|failure| {
            failure.in_use("ask the running server instead: --server http://HOST:PORT --api-key KEY")
        })?;
        let house = House::open(config, dir)?;
        let explanation = self.explain(&house);
        house.close();
        explanation
    }

    fn explain(&self, house: &House) -> Result<Value, Failure> {
        let snapshot = house.catalog.snapshot();
        let integrations = snapshot.integrations().map(|entry| entry.integration.id);
        let event = house.intake.find(integrations, self.id).map_err(Failure::new)?;
        let event = event.ok_or_else(|| Failure::new(format!("there is no event {}", self.id)))?;
        let configuration = |version| house.runtime.block_on(house.catalog.as_of(version));
        let explained = house.intake.explain(event, Effort::default(), configuration);
        let explained =
            explained.map_err(|error| Failure::new(format!("the event cannot be explained: {error}")))?;
        serde_json::to_value(Explanation::of(&explained)).map_err(Failure::new)
    }
}
