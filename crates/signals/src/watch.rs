//! Notices changed files by asking every few seconds, on a thread of its own.
//!
//! Asking works on every file system and needs no dependency. A file is loaded when two looks in a row see the same
//! version, so that one that is still being written is left alone.

use crate::signals::Signals;
use crate::store::Found;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// A running watcher; it stops when this is dropped.
pub struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Signals {
    /// Reloads files as they change, looking every `interval`.
    pub fn watch(&self, interval: Duration) -> std::io::Result<Watch> {
        let signals = self.clone();
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("signals-watch".into()).spawn(move || {
            let mut seen: Vec<Found> = Vec::new();
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(interval) {
                signals.reload_ready(|found| seen.contains(found));
                seen = signals.changed();
            }
        })?;
        Ok(Watch { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A watcher that panicked has nothing left to stop.
            let _ = thread.join();
        }
    }
}
