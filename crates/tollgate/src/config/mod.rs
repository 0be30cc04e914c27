//! Configuration: tollgate.toml, then `TOLLGATE_*` variables, then flags; typed, and checked as a whole before anything
//! starts. Nothing else reads the environment.

mod layers;
mod storage;
#[cfg(test)]
mod tests;

use crate::failure::Failure;
use ipnet::IpNet;
use layers::Layers;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tollgate_http::server::CertificateFiles;
use tollgate_jobs::exports::BucketOptions;

/// How a setting is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    /// A whole number from the first to the second.
    Number(i64, i64),
    /// An array in the file, separated by commas in the environment.
    List,
    /// `true` or `false`.
    Flag,
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
    key("tls_cert", Form::Text, "certificate with its chain, in PEM; with tls_key: HTTPS as well"),
    key("tls_key", Form::Text, "private key of tls_cert, in PEM"),
    key("tls_listen", Form::Text, "address of the same over HTTPS, used when there is a certificate"),
    key("admin_listen", Form::Text, "address of /metrics, /healthz and /readyz"),
    key("signals_dir", Form::Text, "data files: countries, ranges, user agents; default <data_dir>/signals"),
    key("cores", Form::Number(1, 1024), "threads that serve; default: one for each core"),
    key("gateway_domain", Form::Text, "domain under which integrations have hosts of their own"),
    key("trusted_proxies", Form::List, "networks whose X-Forwarded-For counts"),
    key("counter_megabytes", Form::Number(4, 1 << 20), "memory that screening counters may take"),
    key("checkpoint_seconds", Form::Number(1, 3600), "how often counters are written down"),
    key("shutdown_grace_seconds", Form::Number(0, 600), "how long requests may take to finish at shutdown"),
    key("outbound_allow", Form::List, "networks besides the public internet that Tollgate may connect to"),
    key(
        "outbound_authorities",
        Form::Text,
        "certificate authorities, in PEM, that it trusts besides the usual",
    ),
    key("outbound_plain_http", Form::Flag, "whether postbacks may go to http addresses, without TLS"),
    key("requests_per_second", Form::Number(1, 1_000_000), "management requests a credential may send"),
    key("requests_burst", Form::Number(1, 10_000_000), "how many of them at once"),
    key("report_rows", Form::Number(1, 1_000_000_000_000), "events that a grouped report may read"),
    key(
        "public_url",
        Form::Text,
        "where callers reach the API, for links that it answers; default: as they asked",
    ),
    key("exports_dir", Form::Text, "files of the Download Center; default <data_dir>/exports"),
    key(
        "exports_s3_bucket",
        Form::Text,
        "bucket of S3-compatible storage that the files of the Download Center go to instead",
    ),
    key("exports_s3_prefix", Form::Text, "what the names of objects in it begin with"),
    key("exports_s3_region", Form::Text, "region of the bucket"),
    key("exports_s3_endpoint", Form::Text, "address of the storage; default: Amazon's of the region"),
    key("exports_s3_plain_http", Form::Flag, "whether that may be an http address, without TLS"),
    key("exports_s3_access_key_id", Form::Text, "in whose name the bucket is used"),
    key("exports_s3_secret_access_key", Form::Secret, "what proves it"),
    key("exports_s3_session_token", Form::Secret, "what belongs to a key that is lent for a while"),
    key("export_workers", Form::Number(1, 16), "exports that are written at a time"),
    key("export_days", Form::Number(1, 3650), "how long exports are kept"),
    key("export_link_minutes", Form::Number(1, 1440), "how long a link to a file leads there"),
    key("export_gigabytes", Form::Number(1, 1 << 20), "size of an export at most"),
    key(
        "export_reserve_megabytes",
        Form::Number(0, 1 << 30),
        "space on the disk that exports leave to others",
    ),
    key("app_ads_txt_hours", Form::Number(0, 720), "how often every app's app-ads.txt is checked; 0: never"),
    key("log", Form::Text, "what is logged, as in `info` or `info,tollgate_ledger=debug`"),
    key("log_format", Form::Text, "text or json"),
    key("server", Form::Text, "address of a running server, for commands that can ask one"),
    key("api_key", Form::Secret, "API key of a running server, for commands that can ask one"),
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

/// HTTPS beside plain HTTP.
#[derive(Debug, Clone)]
pub(crate) struct TlsConfig {
    pub(crate) files: CertificateFiles,
    pub(crate) listen: SocketAddr,
}

/// A bucket of S3-compatible storage.
#[derive(Clone)]
pub(crate) struct S3Config {
    pub(crate) bucket: BucketOptions,
    /// Whether it is reached without TLS.
    pub(crate) plain_http: bool,
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without its keys.
        f.debug_struct("S3Config").field("bucket", &self.bucket.bucket).finish_non_exhaustive()
    }
}

/// The whole configuration, checked.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<TlsConfig>,
    pub(crate) admin_listen: SocketAddr,
    pub(crate) signals_dir: Option<PathBuf>,
    pub(crate) cores: usize,
    pub(crate) gateway_domain: Option<String>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) counter_bytes: usize,
    pub(crate) checkpoint_every: Duration,
    pub(crate) shutdown_grace: Duration,
    pub(crate) requests_per_second: NonZeroU32,
    pub(crate) requests_burst: NonZeroU32,
    pub(crate) report_rows: u64,
    pub(crate) outbound_allow: Vec<IpNet>,
    pub(crate) outbound_authorities: Option<PathBuf>,
    pub(crate) outbound_plain_http: bool,
    pub(crate) public_url: Option<String>,
    pub(crate) exports_dir: Option<PathBuf>,
    /// Where files of exports go instead of `exports_dir`.
    pub(crate) exports_s3: Option<S3Config>,
    pub(crate) export_workers: usize,
    pub(crate) export_retention: Duration,
    pub(crate) export_link_lifetime: Duration,
    pub(crate) export_bytes: u64,
    pub(crate) export_reserve_bytes: u64,
    /// None: never.
    pub(crate) app_ads_txt_every: Option<Duration>,
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

/// The names of all settings.
fn names() -> String {
    KEYS.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")
}
