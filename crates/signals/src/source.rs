//! Where facts come from: every data file with its version, digest, licence and state.

use crate::ip_kind::RangeKind;
use tollgate_domain::{ProxyKind, Timestamp};

/// What a data file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceKind {
    /// The compiled-in rules.
    Builtin,
    /// Countries, perhaps cities: `geo/`.
    Geo,
    /// Autonomous systems and providers: `asn/`.
    Asn,
    /// A list of addresses: `ranges/<kind>/`.
    Ranges(RangeKind),
    /// Browser, system and device parsers: `agents/regexes.yaml`.
    Parsers,
    /// Crawlers by name: `agents/crawlers.json`.
    Crawlers,
}

impl SourceKind {
    /// A short name: `geo`, `asn`, `ranges/vpn`, `agents/crawlers`…
    pub const fn name(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Geo => "geo",
            Self::Asn => "asn",
            Self::Ranges(kind) => kind.folder(),
            Self::Parsers => "agents/regexes",
            Self::Crawlers => "agents/crawlers",
        }
    }
}

/// What evidence may want to cite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A kind of proxy.
    Proxy(ProxyKind),
    /// Country and city.
    Geo,
    /// Autonomous system and provider.
    Asn,
    /// Search engines' published ranges.
    SearchEngine,
    /// Browser, system, device.
    Agents,
    /// Automata.
    Bots,
}

/// A data file, or the compiled-in rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Path within the signals directory; `builtin` for the compiled-in rules.
    pub name: String,
    /// What it is about.
    pub kind: SourceKind,
    /// The version its package or build gives, else the day it was last changed.
    pub version: String,
    /// SHA-256 of the bytes in use, in hex; empty for the compiled-in rules.
    pub sha256: String,
    /// Its licence, empty when nothing says so.
    pub licence: String,
    /// When the file in use was last changed.
    pub modified: Timestamp,
    /// When it was loaded.
    pub loaded: Timestamp,
    /// Its size in bytes.
    pub bytes: u64,
    /// Networks, ranges or rules in use.
    pub entries: usize,
    /// Memory of its lookup structures, where known.
    pub memory: usize,
    /// What an operator should know, e.g. patterns that were left out.
    pub notes: Vec<String>,
    /// Why a newer file of this name is not in use.
    pub error: Option<String>,
    /// Whether any version of it is in use.
    pub in_use: bool,
}

impl Source {
    /// The compiled-in rules.
    pub(crate) fn builtin(now: Timestamp) -> Self {
        Self {
            name: "builtin".into(),
            kind: SourceKind::Builtin,
            version: env!("CARGO_PKG_VERSION").into(),
            sha256: String::new(),
            licence: env!("CARGO_PKG_LICENSE").into(),
            modified: now,
            loaded: now,
            bytes: 0,
            entries: crate::agent::builtin_rules(),
            memory: 0,
            notes: Vec::new(),
            error: None,
            in_use: true,
        }
    }

    /// Milliseconds since the file was last changed.
    pub fn age_millis(&self, now: Timestamp) -> i64 {
        now.millis().saturating_sub(self.modified.millis()).max(0)
    }
}
