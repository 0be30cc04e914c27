//! The demonstration: a data directory of its own, filled once with labelled traffic through the way of any import.

mod apps;
mod groups;
pub(crate) mod people;
pub(crate) mod scenario;
mod traffic;

use crate::compose::{House, OpenHouse};
use crate::console;
use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use tollgate_catalog::init::Initialised;
use tollgate_catalog::{Role, Secret, User};
use tollgate_domain::{EventKind, IntegrationId, Timestamp};
use tollgate_intake::{Format, ImportRequest, Observer, Progress, RefusedLine, Summary, import};

/// The file of the demonstration's credentials within its data directory.
pub(crate) const FILE: &str = "demo.json";

/// What a later start needs to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Demo {
    /// Why there is a file with secrets.
    note: String,
    pub(crate) api_key: String,
    pub(crate) integration_id: IntegrationId,
    client_id: String,
    client_secret: String,
    /// The traffic lies in the three days before this.
    until: Timestamp,
    /// Whether all of it is stored.
    pub(crate) complete: bool,
}

impl Demo {
    /// A demonstration that begins now.
    pub(crate) fn new(made: &Initialised, now: Timestamp) -> Self {
        Self {
            note: "Credentials of a demonstration, kept so that every start can show them. Not for real traffic.".to_owned(),
            api_key: made.api_key.secret.expose().to_owned(),
            integration_id: made.integration_id,
            client_id: made.v5.id.clone(),
            client_secret: made.v5.secret.expose().to_owned(),
            until: Timestamp::from_millis(now.millis() / 60_000 * 60_000),
            complete: false,
        }
    }

    /// The demonstration in a data directory, if it is one.
    pub(crate) fn load(root: &Path) -> Result<Option<Self>, Failure> {
        let path = root.join(FILE);
        match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::new(format!("{}: {error}", path.display()))),
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(Failure::because(path.display())),
        }
    }

    /// Writes it down, readable by its owner only.
    pub(crate) fn save(&self, root: &Path) -> Result<(), Failure> {
        let (path, temporary) = (root.join(FILE), root.join("demo.json.tmp"));
        let write = || {
            let mut file =
                File::options().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            std::fs::rename(&temporary, &path)
        };
        write().map_err(|error: io::Error| Failure::new(format!("{}: {error}", path.display())))
    }

    /// Stores the traffic. What is stored already is left as it is, so that an interrupted start is completed.
    pub(crate) fn fill(&mut self, open: &OpenHouse) -> Result<Summary, Failure> {
        let mut all = Summary::default();
        let app = apps::make(open, self.integration_id)?;
        groups::make(open, self.integration_id)?;
        for (kind, text) in traffic::generate(self.until) {
            let file = unnamed(open.house.root(), &text)
                .map_err(Failure::because("the traffic cannot be written"))?;
            let request = ImportRequest {
                integration: self.integration_id,
                kind,
                format: Format::Ndjson,
                map: None,
                set: match kind {
                    EventKind::Impression => vec![
                        ("app_id".to_owned(), app.to_string()),
                        ("ad_location".to_owned(), apps::LOCATION.to_owned()),
                    ],
                    EventKind::Click | EventKind::Conversion => Vec::new(),
                },
            };
            let summary = import(&open.house.intake, &request, &file, &mut Silent).map_err(Failure::new)?;
            add(&mut all, summary);
        }
        self.complete = true;
        self.save(open.house.root())?;
        Ok(all)
    }

    /// An invitation of the demonstration's owner to the console, new at every start.
    pub(crate) fn invite(&self, house: &House) -> Result<Secret, Failure> {
        let snapshot = house.catalog.snapshot();
        let entry = snapshot.integration(self.integration_id);
        let organization = entry.and_then(|entry| snapshot.organization(entry.organization));
        let owner = organization.and_then(|organization| {
            let mut users = organization.table::<User>().iter();
            Some((organization.id(), users.find(|user| user.role == Role::Owner)?.id.clone()))
        });
        let (organization, owner) =
            owner.ok_or_else(|| Failure::new("the demonstration's integration or owner is gone"))?;
        house.runtime.block_on(house.catalog.invite(organization, &owner)).map_err(Failure::new)
    }

    /// What to type next, for a server at `address`.
    pub(crate) fn first_steps(&self, root: &Path, address: SocketAddr, now: Timestamp) -> String {
        let (id, key) = (self.integration_id, &self.api_key);
        let (client, secret) = (&self.client_id, &self.client_secret);
        let address = reachable(address);
        let (first, last) = (self.until.plus_millis(-traffic::SPAN_MS).day(), now.day());
        let agent = people::AGENTS[0];
        let file = root.join(FILE);
        format!(
            "\nA first click:\n  \
             curl -A '{agent}' 'http://{address}/g/{id}/click?offer=game-quest&publisher=pub-aurora&sub_id=home&click_ip=198.18.0.1&no_redirect=true'\n\n\
             A first report, the newest clicks with their verdicts and evidence:\n  \
             curl -g -H 'API-KEY: {key}' 'http://{address}/api/v2/reports/v2/click-table?integration_id={id}&start_date={first}&end_date={last}&page[size]=3'\n\n\
             Only what was rejected, and only what was labelled bad:\n  \
             curl -g -H 'API-KEY: {key}' 'http://{address}/api/v2/reports/v2/click-table?integration_id={id}&start_date={first}&end_date={last}&page[size]=3&filter[status]=rejected'\n  \
             curl -g -H 'API-KEY: {key}' 'http://{address}/api/v2/reports/v2/click-table?integration_id={id}&start_date={first}&end_date={last}&page[size]=3&filter[extra_parameters][contains]=flood'\n\n\
             The publisher's API, with a token: the apps, the prices, what changed and who did it:\n  \
             TOKEN=$(curl -s 'http://{address}/v5/oauth/token' -d grant_type=client_credentials -d client_id={client} -d client_secret={secret} | cut -d '\"' -f 4)\n  \
             curl -H \"Authorization: Bearer $TOKEN\" 'http://{address}/v5/apps'\n  \
             curl -H \"Authorization: Bearer $TOKEN\" 'http://{address}/tollgate/v1/prices.csv'\n  \
             curl -H \"Authorization: Bearer $TOKEN\" 'http://{address}/tollgate/v1/audit-log'\n  \
             and all of it to read: http://{address}/docs\n\n\
             These credentials are kept in {}, readable by you only. The Default filter group is in monitoring mode:\n\
             verdicts are recorded and nothing is enforced. Two groups for single publishers enforce theirs.\n",
            file.display()
        )
    }
}

/// Where a browser on this machine finds a server that listens at `address`.
pub(crate) fn reachable(address: SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!("127.0.0.1:{}", address.port()),
        false => address.to_string(),
    }
}

/// The one line that leads on. What stands behind the `#` is not sent to any server but by the page itself, once.
pub(crate) fn to_console(address: SocketAddr, invitation: &Secret) -> String {
    if !console::IS_BUILT_IN {
        return "This binary was built without the console; `make run` builds it in.".to_owned();
    }
    let (address, secret) = (reachable(address), invitation.expose());
    format!(
        "The console, with all of this in it (the link works once, within a day):\n  http://{address}/console/#invitation={secret}"
    )
}

/// A file without a name that holds `text`.
fn unnamed(folder: &Path, text: &[u8]) -> io::Result<File> {
    let path = folder.join("demo-traffic.tmp");
    let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
    std::fs::remove_file(&path)?;
    file.write_all(text)?;
    Ok(file)
}

/// Address ranges of the demonstration, for a signals folder that is its own.
pub(crate) fn write_ranges(signals: &Path) -> Result<(), Failure> {
    for (kind, network) in [("data_center", people::DATA_CENTER), ("vpn", people::VPN)] {
        let folder = signals.join("ranges").join(kind);
        let text = format!(
            "# Made for the demonstration: a network that is reserved for documentation (RFC 5737).\n{network}\n"
        );
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(folder.join("demo.txt"), text))
            .map_err(Failure::because(folder.display()))?;
    }
    Ok(())
}

fn add(all: &mut Summary, one: Summary) {
    all.lines += one.lines;
    all.clicks += one.clicks;
    all.conversions += one.conversions;
    all.impressions += one.impressions;
    all.already_there += one.already_there;
    all.approved += one.approved;
    all.refused += one.refused;
    for (reason, count) in one.rejected {
        *all.rejected.entry(reason).or_default() += count;
    }
    for (reason, count) in one.monitored {
        *all.monitored.entry(reason).or_default() += count;
    }
}

/// The demonstration's own traffic needs no watching.
struct Silent;

impl Observer for Silent {
    fn progress(&mut self, _: Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn refused(&mut self, line: &RefusedLine) -> io::Result<()> {
        Err(io::Error::other(format!("line {}: {}", line.line, line.cause)))
    }
}

/// The kinds in the order in which they are imported: a conversion looks for its click in history.
const KINDS: [EventKind; 3] = [EventKind::Impression, EventKind::Click, EventKind::Conversion];
