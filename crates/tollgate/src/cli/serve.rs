//! `tollgate serve`.

use super::{Common, Serving, TALKATIVE, prepare};
use crate::compose::House;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::serve::serve;
use clap::Args;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  tollgate serve --data-dir ./data
  tollgate serve --data-dir ./data --listen 0.0.0.0:8080 --admin-listen 127.0.0.1:9090
  tollgate serve --data-dir ./data --tls-cert chain.pem --tls-key key.pem --tls-listen 0.0.0.0:8443
  TOLLGATE_SIGNALS_DIR=/srv/signals tollgate serve --config /etc/tollgate.toml

When it is ready it prints one line, `listening on http://HOST:PORT`, on standard output; logs and the
addresses of HTTPS and of the admin listener go to standard error. A certificate that is replaced is taken over while
it runs. SIGINT or SIGTERM stops it in order: requests finish, everything acknowledged is on
the disk; a second signal forces. A data directory serves one process at a time.";

/// Run the server: gateway, API, metrics
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    serving: Serving,
}

impl Serve {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let config = prepare(&self.serving.add_to(self.common.flags()), TALKATIVE)?;
        let house = House::open(&config, DataDir::open(config.data_dir()?, "serve")?)?;
        serve(&config, house, |_| Ok(()))?;
        Ok(ExitCode::SUCCESS)
    }
}
