//! Making files and records agree: after a start, after something could not be removed, and every hour where files are
//! reached over the network.

use super::artifacts::Artifacts;
use super::{Exports, StoreError};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

/// What records say of files.
struct Known {
    /// Names and sizes of whole files.
    whole: Vec<(String, u64)>,
    /// Names of files that are being written, or were until just now.
    written: Vec<String>,
}

impl Exports {
    /// Removes files that no record has, and says of records whose file is gone that it is, if that is due. Nothing is begun
    /// meanwhile. The inner error is that of what keeps the files: it stays due then.
    pub(super) async fn reconcile(&self) -> Result<io::Result<()>, StoreError> {
        let mut untidy = self.untidy.lock().await;
        if !*untidy {
            return Ok(Ok(()));
        }
        // Before the records: what ends in between is left alone.
        let written = self.running().values().map(|(_, running)| running.artifact.clone()).collect();
        let known = Known { whole: self.store.files().await?, written };
        // What an earlier attempt left of a file that is being written now is seen to later.
        let (artifacts, is_left) =
            (self.artifacts.clone(), self.artifacts.is_remote() && !known.written.is_empty());
        let agreed = tokio::task::spawn_blocking(move || agree(&artifacts, &known)).await;
        match agreed.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Err(error) => Ok(Err(error)),
            Ok(lost) => {
                for artifact in lost {
                    tracing::warn!(artifact, "an export's file is gone or damaged");
                    let why = "The file is not there any more; retry the export.";
                    self.store.lost(&artifact, why, self.clock.now()).await?;
                }
                *untidy = is_left;
                Ok(Ok(()))
            }
        }
    }
}

/// Removes what is none of the known files. Answers which of them are not there.
fn agree(artifacts: &Arc<dyn Artifacts>, known: &Known) -> io::Result<Vec<String>> {
    artifacts.tidy(&known.written)?;
    let mut there: HashMap<String, u64> = artifacts.list()?.into_iter().collect();
    there.retain(|name, _| !known.written.contains(name));
    let mut lost = Vec::new();
    for (name, size) in known.whole.iter().filter(|(name, _)| !known.written.contains(name)) {
        match there.remove(name) {
            Some(found) if found == *size => continue,
            Some(_) => artifacts.remove(name)?,
            None => {}
        }
        lost.push(name.clone());
    }
    there.keys().try_for_each(|name| artifacts.remove(name))?;
    Ok(lost)
}
