//! Facts about an event that come from data files: country, provider, proxy, search engine, browser, device, bot.
//!
//! Files are parsed whole while loading and swapped while running; a file that does not parse leaves its last good
//! version in use. Rules of our own for browsers and bots are compiled in, so that nothing is needed to start. This
//! crate gives facts and never a verdict.

mod agent;
mod cache;
mod error;
mod ip;
mod ip_kind;
mod set;
mod signals;
mod source;
mod store;
mod watch;

pub use agent::{AgentFacts, BotFacts, BotRule, DeviceType, MAX_AGENT_BYTES};
pub use cache::AgentCache;
pub use error::Malformed;
pub use ip_kind::RangeKind;
pub use set::{IpFacts, SignalSet};
pub use signals::{ReloadReport, Signals};
pub use source::{Source, SourceKind, Topic};
pub use watch::Watch;
