//! Logs: structured, on standard error, never with addresses, device ids or secrets. Warnings and errors are also kept for
//! whoever asks after the server's health, without the values that stand beside their words.

use crate::clock::SystemClock;
use crate::config::{Config, LogFormat};
use crate::failure::Failure;
use std::fmt::Debug;
use std::io::{self, IsTerminal};
use std::sync::{Arc, LazyLock};
use tollgate_domain::Clock;
use tollgate_http::native::health::Problems;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt, registry};

/// One for the process, as its log is.
static PROBLEMS: LazyLock<Arc<Problems>> = LazyLock::new(Arc::default);

/// What went wrong since the start.
pub(crate) fn problems() -> Arc<Problems> {
    PROBLEMS.clone()
}

/// Starts logging as the configuration says.
pub(crate) fn start(config: &Config) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| {
        Failure::misuse(format!("log: {error}; as in `info` or `info,tollgate_ledger=debug`"))
    })?;
    let lines = fmt::layer().with_writer(io::stderr);
    let kept = registry().with(Kept.with_filter(LevelFilter::WARN));
    let started = match config.log_format {
        LogFormat::Json => kept.with(lines.json().flatten_event(true).with_filter(filter)).try_init(),
        LogFormat::Text => {
            let lines = lines.with_ansi(io::stderr().is_terminal()).with_target(false);
            kept.with(lines.with_filter(filter)).try_init()
        }
    };
    started.map_err(Failure::because("logging cannot start"))
}

/// Keeps what is logged.
struct Kept;

impl<S: Subscriber> Layer<S> for Kept {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut message = Message::default();
        event.record(&mut message);
        let (level, place) = (event.metadata().level(), event.metadata().target());
        let Message { words, what } = message;
        let message = if what.is_empty() { words } else { format!("{words}: {what}") };
        PROBLEMS.note(SystemClock.now(), *level == Level::ERROR, place, message);
    }
}

/// The words of an event, without its values. What was being done, `what`, is words of ours too.
#[derive(Default)]
struct Message {
    words: String,
    what: String,
}

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.words = format!("{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "what" {
            value.clone_into(&mut self.what);
        }
    }
}
