//! Configuration: tollgate.toml, then `TOLLGATE_*` variables, then flags; typed, and checked as a whole before anything
//! starts. Nothing else reads the environment.

use crate::failure::Failure;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Value;

/// How a setting is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    /// A whole number from the first to the second.
    Number(i64, i64),
    /// An array in the file, separated by commas in the environment.
    List,
    /// Text that is never printed.
    Secret,
}

struct Key {
    name: &'static str,
    form: Form,
    about: &'static str,
}

const fn key(name: &'static str, form: Form, about: &'static str) -> Key {
    Key { name, form, about }
}

/// Every setting: its name in the file; in the environment it is `TOLLGATE_` and the name in capitals.
const KEYS: &[Key] = &[
    key("data_dir", Form::Text, "where everything is kept"),
    key("listen", Form::Text, "address of the API and the gateway"),
    key("admin_listen", Form::Text, "address of /metrics, /healthz and /readyz"),
    key("signals_dir", Form::Text, "data files: countries, ranges, user agents; default <data_dir>/signals"),
    key("cores", Form::Number(1, 1024), "threads that serve; default: one for each core"),
    key("gateway_domain", Form::Text, "domain under which integrations have hosts of their own"),
    key("trusted_proxies", Form::List, "networks whose X-Forwarded-For counts"),
    key("counter_megabytes", Form::Number(4, 1 << 20), "memory that screening counters may take"),
    key("checkpoint_seconds", Form::Number(1, 3600), "how often counters are written down"),
    key("shutdown_grace_seconds", Form::Number(0, 600), "how long requests may take to finish at shutdown"),
    key("log", Form::Text, "what is logged, as in `info` or `info,tollgate_ledger=debug`"),
    key("log_format", Form::Text, "text or json"),
    key("server", Form::Text, "address of a running server, for `tollgate import`"),
    key("api_key", Form::Secret, "API key of a running server, for `tollgate import`"),
];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    File(PathBuf),
    Variable(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// The whole configuration, checked.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) listen: SocketAddr,
    pub(crate) admin_listen: SocketAddr,
    pub(crate) signals_dir: Option<PathBuf>,
    pub(crate) cores: usize,
    pub(crate) gateway_domain: Option<String>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) counter_bytes: usize,
    pub(crate) checkpoint_every: Duration,
    pub(crate) shutdown_grace: Duration,
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
    pub(crate) server: Option<String>,
    pub(crate) api_key: Option<String>,
    /// Variables that look like settings and are none.
    pub(crate) strangers: Vec<String>,
    printed: String,
}

/// What a command line says about settings.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    /// `--config`.
    file: Option<PathBuf>,
    values: Vec<(&'static str, String)>,
}

impl Flags {
    /// No flags but, perhaps, `--config`.
    pub(crate) fn read_from(file: Option<PathBuf>) -> Self {
        Self { file, values: Vec::new() }
    }

    /// Takes a flag's value when it was given.
    pub(crate) fn with(mut self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        self.values.extend(value.map(|value| (name, value.into())));
        self
    }

    /// As [`Self::with`], for paths.
    pub(crate) fn with_path(self, name: &'static str, value: Option<&PathBuf>) -> Self {
        self.with(name, value.map(|path| path.to_string_lossy().into_owned()))
    }
}

/// What a command uses when nothing else says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Defaults {
    pub(crate) data_dir: Option<&'static str>,
    pub(crate) log: &'static str,
}

impl Config {
    /// Reads file, environment and flags.
    pub(crate) fn load(flags: &Flags, defaults: Defaults) -> Result<Self, Failure> {
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self::from_parts(flags, variables.filter(|(name, _)| name.starts_with(PREFIX)).collect(), defaults)
    }

    fn from_parts(
        flags: &Flags,
        variables: BTreeMap<String, OsString>,
        defaults: Defaults,
    ) -> Result<Self, Failure> {
        let mut layers = Layers::default();
        let named = flags.file.clone().or_else(|| variables.get("TOLLGATE_CONFIG").map(PathBuf::from));
        let usual = Path::new("tollgate.toml");
        match named {
            Some(path) => layers.take_file(&path),
            None if usual.exists() => layers.take_file(usual),
            None => {}
        }
        for key in KEYS {
            let name = format!("{PREFIX}{}", key.name.to_uppercase());
            if let Some(value) = variables.get(&name) {
                layers.take_text(key, &value.to_string_lossy(), Origin::Variable(name));
            }
        }
        for (name, value) in &flags.values {
            if let Some(key) = KEYS.iter().find(|key| key.name == *name) {
                layers.take_text(key, value, Origin::Flag(format!("--{}", name.replace('_', "-"))));
            }
        }
        let mut config = layers.resolve(defaults);
        let known = |name: &str| {
            name == "TOLLGATE_CONFIG"
                || KEYS.iter().any(|key| name[PREFIX.len()..] == key.name.to_uppercase())
        };
        config.strangers = variables.into_keys().filter(|name| !known(name)).collect();
        if layers.errors.is_empty() { Ok(config) } else { Err(Failure::misuse(layers.errors.join("\n"))) }
    }

    /// The data directory, which every command but `config check` needs.
    pub(crate) fn data_dir(&self) -> Result<&Path, Failure> {
        self.data_dir.as_deref().ok_or_else(|| {
            Failure::misuse(
                "no data directory: give --data-dir DIR, set TOLLGATE_DATA_DIR, or data_dir in tollgate.toml",
            )
        })
    }

    /// Every setting with its value and where that comes from; secrets are left out.
    pub(crate) fn printed(&self) -> &str {
        &self.printed
    }
}

const PREFIX: &str = "TOLLGATE_";

/// Values as they were given, the later layer over the earlier.
#[derive(Default)]
struct Layers {
    values: BTreeMap<&'static str, (Value, Origin)>,
    errors: Vec<String>,
    printed: String,
}

impl Layers {
    fn take_file(&mut self, path: &Path) {
        let origin = Origin::File(path.to_owned());
        let table = match std::fs::read_to_string(path).map_err(|error| error.to_string()) {
            Ok(text) => text.parse::<toml::Table>().map_err(|error| error.to_string()),
            Err(error) => Err(error),
        };
        match table {
            Err(error) => self.errors.push(format!("{origin}: {error}")),
            Ok(table) => {
                for (name, value) in table {
                    match KEYS.iter().find(|key| key.name == name) {
                        Some(key) => drop(self.values.insert(key.name, (value, origin.clone()))),
                        None => self
                            .errors
                            .push(format!("{origin}: {name} is not a setting; known are {}", names())),
                    }
                }
            }
        }
    }

    fn take_text(&mut self, key: &Key, text: &str, origin: Origin) {
        let value = match key.form {
            Form::Text | Form::Secret => Value::String(text.to_owned()),
            Form::Number(..) => {
                text.trim().parse().map_or_else(|_| Value::String(text.to_owned()), Value::Integer)
            }
            Form::List => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
            }
        };
        self.values.insert(key.name, (value, origin));
    }

    /// The value of a setting as `read` understands it. `default` is what is printed when it was not given.
    fn get<T>(
        &mut self,
        name: &str,
        default: &str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        let key = KEYS.iter().find(|key| key.name == name)?;
        let Some((value, origin)) = self.values.get(name) else {
            let _ = writeln!(self.printed, "# {} (default)\n{name} = {default}\n", key.about);
            return None;
        };
        let shown = if key.form == Form::Secret { "\"[redacted]\"".to_owned() } else { value.to_string() };
        let _ = writeln!(self.printed, "# {} (from {origin})\n{name} = {shown}\n", key.about);
        match read(value) {
            Ok(value) => Some(value),
            Err(error) => {
                self.errors.push(format!("{name} (from {origin}): {error}"));
                None
            }
        }
    }

    fn text(&mut self, name: &str, default: Option<&str>) -> Option<String> {
        let shown = default.map_or_else(|| "\"\"".to_owned(), |text| format!("\"{text}\""));
        let read = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| "must be text".to_owned());
        self.get(name, &shown, read).filter(|text| !text.is_empty()).or_else(|| default.map(str::to_owned))
    }

    fn number(&mut self, name: &str, default: i64) -> i64 {
        let form = KEYS.iter().find(|key| key.name == name).map(|key| key.form);
        let (least, most) =
            if let Some(Form::Number(least, most)) = form { (least, most) } else { (0, i64::MAX) };
        let legal = |value: &Value| {
            let number = value.as_integer().filter(|number| (least..=most).contains(number));
            number.ok_or_else(|| format!("must be a whole number from {least} to {most}"))
        };
        self.get(name, &default.to_string(), legal).unwrap_or(default)
    }

    fn address(&mut self, name: &str, default: SocketAddr) -> SocketAddr {
        let read = |value: &Value| {
            let text = value.as_str().unwrap_or_default();
            let resolved = text.to_socket_addrs().ok().and_then(|mut all| all.next());
            resolved.ok_or_else(|| format!("must be HOST:PORT as in 127.0.0.1:8080, not `{text}`"))
        };
        self.get(name, &format!("\"{default}\""), read).unwrap_or(default)
    }

    fn networks(&mut self, name: &str) -> Vec<IpNet> {
        let network = |value: &Value| {
            let text = value.as_str().unwrap_or_default();
            let single = || text.parse().map(|address: std::net::IpAddr| IpNet::from(address));
            text.parse::<IpNet>()
                .or_else(|_| single())
                .map_err(|_| format!("`{text}` is not a network as in 10.0.0.0/8"))
        };
        let read = |value: &Value| match value.as_array() {
            Some(list) => list.iter().map(network).collect(),
            None => Err("must be a list of networks".to_owned()),
        };
        self.get(name, "[]", read).unwrap_or_default()
    }

    fn resolve(&mut self, defaults: Defaults) -> Config {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let whole = |number: i64| u64::try_from(number).unwrap_or_default();
        let log_format = self.text("log_format", Some("text"));
        Config {
            data_dir: self.text("data_dir", defaults.data_dir).map(PathBuf::from),
            listen: self.address("listen", local(8080)),
            admin_listen: self.address("admin_listen", local(0)),
            signals_dir: self.text("signals_dir", None).map(PathBuf::from),
            cores: self.number("cores", i64::try_from(cores).unwrap_or(1)) as usize,
            gateway_domain: self.text("gateway_domain", None),
            trusted_proxies: self.networks("trusted_proxies"),
            counter_bytes: (whole(self.number("counter_megabytes", 1024)) << 20) as usize,
            checkpoint_every: Duration::from_secs(whole(self.number("checkpoint_seconds", 30))),
            shutdown_grace: Duration::from_secs(whole(self.number("shutdown_grace_seconds", 10))),
            log: self.text("log", Some(defaults.log)).unwrap_or_default(),
            log_format: match log_format.as_deref() {
                Some("json") => LogFormat::Json,
                Some("text") | None => LogFormat::Text,
                Some(other) => {
                    self.errors.push(format!("log_format: must be text or json, not `{other}`"));
                    LogFormat::Text
                }
            },
            server: self.text("server", None),
            api_key: self.text("api_key", None),
            strangers: Vec::new(),
            printed: std::mem::take(&mut self.printed),
        }
    }
}

fn names() -> String {
    KEYS.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: Defaults = Defaults { data_dir: None, log: "info" };

    fn load(file: Option<&str>, variables: &[(&str, &str)], flags: Flags) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.toml");
        let mut flags = flags;
        if let Some(text) = file {
            std::fs::write(&path, text).unwrap();
            flags.file = Some(path);
        }
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect();
        Config::from_parts(&flags, variables, DEFAULTS).map_err(|failure| failure.message)
    }

    #[test]
    fn flags_win_over_variables_and_variables_over_the_file() {
        let file =
            "listen = \"127.0.0.1:1\"\ncores = 1\nlog = \"warn\"\ntrusted_proxies = [\"10.0.0.0/8\"]\n";
        let variables = [
            ("TOLLGATE_LISTEN", "127.0.0.1:2"),
            ("TOLLGATE_CORES", "2"),
            ("TOLLGATE_TRUSTED_PROXIES", "::1, 10.1.0.0/16"),
        ];
        let flags = Flags::default().with("listen", Some("127.0.0.1:3"));
        let config = load(Some(file), &variables, flags).unwrap();
        assert_eq!((config.listen.port(), config.cores, config.log.as_str()), (3, 2, "warn"));
        assert_eq!(config.trusted_proxies.len(), 2);
        assert!(
            config.printed().contains("(from --listen)\nlisten = \"127.0.0.1:3\""),
            "{}",
            config.printed()
        );
        assert!(config.printed().contains("(from TOLLGATE_CORES)\ncores = 2"));
    }

    #[test]
    fn every_error_is_told_at_once_with_its_place() {
        let file = "listem = 1\ncores = 0\n";
        let error = load(
            Some(file),
            &[("TOLLGATE_ADMIN_LISTEN", "nowhere"), ("TOLLGATE_LOG_FORMAT", "xml")],
            Flags::default(),
        );
        let error = error.unwrap_err();
        for part in [
            "listem is not a setting",
            "cores (from",
            "admin_listen (from TOLLGATE_ADMIN_LISTEN)",
            "log_format",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(load(Some("cores = ["), &[], Flags::default()).unwrap_err().contains("t.toml"));
    }

    #[test]
    fn secrets_are_never_printed() {
        let variables = [("TOLLGATE_API_KEY", "s3cret"), ("TOLLGATE_LISTN", "x")];
        let config = load(None, &variables, Flags::default()).unwrap();
        assert_eq!(config.strangers, ["TOLLGATE_LISTN"]);
        assert_eq!(config.api_key.as_deref(), Some("s3cret"));
        assert!(!config.printed().contains("s3cret"));
        assert!(config.printed().contains("api_key = \"[redacted]\""));
        let whole: toml::Table = config.printed().parse().unwrap();
        assert_eq!(whole.len(), KEYS.len(), "what is printed is a configuration file");
    }
}
