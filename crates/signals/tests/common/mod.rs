//! What the tests share.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::Arc;
use tollgate_domain::{Clock, Event, EventKind, Text, Timestamp};

/// A clock that stands still.
pub struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000)
    }
}

pub fn clock() -> Arc<dyn Clock> {
    Arc::new(Still)
}

/// A file of the shared data; `None`, visibly, where a checkout stands alone.
pub fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    if path.exists() {
        return Some(path);
    }
    println!("SKIPPED: {} is not there", path.display());
    None
}

pub fn event(kind: EventKind, ip: Option<&str>, agent: Option<&str>) -> Event {
    let mut event = Event::new(kind, "abcdefghij".parse().unwrap());
    if let Some(ip) = ip {
        event.set_text(Text::Ip, ip);
    }
    if let Some(agent) = agent {
        event.set_text(Text::UserAgent, agent);
    }
    event
}
