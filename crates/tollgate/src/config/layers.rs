//! Settings in layers: what file, environment and flags say, the later over the earlier, read as what they mean.

use super::{Config, Defaults, Form, KEYS, Key, LogFormat, Origin, TlsConfig, names};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tollgate_domain::web_address;
use tollgate_http::server::CertificateFiles;
use toml::Value;

/// Values as they were given, the later layer over the earlier.
#[derive(Default)]
pub(super) struct Layers {
    pub(super) values: BTreeMap<&'static str, (Value, Origin)>,
    pub(super) errors: Vec<String>,
    printed: String,
}

impl Layers {
    pub(super) fn take_file(&mut self, path: &Path) {
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

    pub(super) fn take_text(&mut self, key: &Key, text: &str, origin: Origin) {
        let value = match key.form {
            Form::Text | Form::Secret => Value::String(text.to_owned()),
            Form::Number(..) => {
                text.trim().parse().map_or_else(|_| Value::String(text.to_owned()), Value::Integer)
            }
            Form::Flag => text.trim().parse().map_or_else(|_| Value::String(text.to_owned()), Value::Boolean),
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

    pub(super) fn text(&mut self, name: &str, default: Option<&str>) -> Option<String> {
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

    /// As [`Self::number`], for settings from 1 on.
    fn positive(&mut self, name: &str, default: u32) -> NonZeroU32 {
        let number = u32::try_from(self.number(name, i64::from(default))).unwrap_or(u32::MAX);
        NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
    }

    pub(super) fn flag(&mut self, name: &str, default: bool) -> bool {
        let legal = |value: &Value| value.as_bool().ok_or_else(|| "must be true or false".to_owned());
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

    /// An absolute address.
    fn public_url(&mut self) -> Option<String> {
        let read = |value: &Value| {
            let text = value.as_str().unwrap_or_default();
            let is_plain = !text.contains(['?', '#', '{', '}']) && web_address::parse(text).is_ok();
            let wrong = || format!("must be an address as in https://ads.example.com, not `{text}`");
            if text.is_empty() || is_plain { Ok(text.to_owned()) } else { Err(wrong()) }
        };
        self.get("public_url", "\"\"", read).filter(|text| !text.is_empty())
    }

    /// HTTPS, when it is asked for: a certificate and its key belong together, and have an address of their own.
    fn tls(&mut self, listen: SocketAddr) -> Option<TlsConfig> {
        let certificate = self.text("tls_cert", None).map(PathBuf::from);
        let key = self.text("tls_key", None).map(PathBuf::from);
        let asked = self.values.contains_key("tls_listen");
        let tls_listen = self.address("tls_listen", SocketAddr::from(([127, 0, 0, 1], 8443)));
        match (certificate, key) {
            (Some(certificate), Some(key)) => {
                if tls_listen == listen && listen.port() != 0 {
                    self.errors.push(format!("tls_listen: {listen} is already the address of listen"));
                }
                Some(TlsConfig { files: CertificateFiles { certificate, key }, listen: tls_listen })
            }
            (None, None) => {
                if asked {
                    self.errors.push("tls_listen: needs tls_cert and tls_key".to_owned());
                }
                None
            }
            (certificate, _) => {
                let (given, missing) =
                    if certificate.is_some() { ("tls_cert", "tls_key") } else { ("tls_key", "tls_cert") };
                self.errors.push(format!("{given}: needs {missing} as well"));
                None
            }
        }
    }

    pub(super) fn resolve(&mut self, defaults: Defaults) -> Config {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let whole = |number: i64| u64::try_from(number).unwrap_or_default();
        let log_format = self.text("log_format", Some("text"));
        let listen = self.address("listen", local(8080));
        Config {
            data_dir: self.text("data_dir", defaults.data_dir).map(PathBuf::from),
            listen,
            tls: self.tls(listen),
            admin_listen: self.address("admin_listen", local(0)),
            signals_dir: self.text("signals_dir", None).map(PathBuf::from),
            cores: self.number("cores", i64::try_from(cores).unwrap_or(1)) as usize,
            gateway_domain: self.text("gateway_domain", None),
            trusted_proxies: self.networks("trusted_proxies"),
            counter_bytes: (whole(self.number("counter_megabytes", 1024)) << 20) as usize,
            checkpoint_every: Duration::from_secs(whole(self.number("checkpoint_seconds", 30))),
            shutdown_grace: Duration::from_secs(whole(self.number("shutdown_grace_seconds", 10))),
            requests_per_second: self.positive("requests_per_second", 1000),
            requests_burst: self.positive("requests_burst", 5000),
            report_rows: whole(self.number("report_rows", 500_000_000)),
            outbound_allow: self.networks("outbound_allow"),
            outbound_authorities: self.text("outbound_authorities", None).map(PathBuf::from),
            outbound_plain_http: self.flag("outbound_plain_http", false),
            public_url: self.public_url(),
            exports_dir: self.text("exports_dir", None).map(PathBuf::from),
            exports_s3: self.exports_s3(),
            export_workers: self.number("export_workers", 2) as usize,
            export_retention: Duration::from_secs(whole(self.number("export_days", 90)) * 86_400),
            export_link_lifetime: Duration::from_secs(whole(self.number("export_link_minutes", 15)) * 60),
            export_bytes: whole(self.number("export_gigabytes", 256)) << 30,
            export_reserve_bytes: whole(self.number("export_reserve_megabytes", 1024)) << 20,
            app_ads_txt_every: match whole(self.number("app_ads_txt_hours", 24)) {
                0 => None,
                hours => Some(Duration::from_secs(hours * 3600)),
            },
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
