//! Privacy requests: one person's events are deleted, and a certificate says what was.
//!
//! A certificate never holds the identifier it is about, and is kept as a file of its own (docs/PRIVACY.md).

mod certificate;

pub use certificate::{Certificate, DeletedDays, Files, Identifier, IdentifierKind};

use crate::exports::{Exports, ForgetError};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tollgate_catalog::{Actor, Catalog};
use tollgate_domain::{Entropy, Integration, IntegrationId, OrganizationId, Timestamp};
use tollgate_ledger::disk::{Disk, RealDisk, replace};
use tollgate_ledger::{Deleted, Deletion, Ledger, LedgerError};

/// The folder of certificates in a data directory.
pub const FOLDER: &str = "privacy";
/// Most certificates of a list.
pub const MOST: usize = 1000;
/// How often a deletion that the log has no room for is tried, and how long it waits in between.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// Deletes persons' events and keeps the certificates.
pub struct Privacy {
    catalog: Arc<Catalog>,
    ledger: Ledger,
    exports: Arc<Exports>,
    entropy: Arc<dyn Entropy>,
    disk: RealDisk,
    /// One deletion at a time: each may read all of history.
    place: Semaphore,
}

/// Whose events are to be deleted.
#[derive(Debug, Clone)]
pub struct Request {
    /// The organization that asks.
    pub organization: OrganizationId,
    /// Its integrations that are meant.
    pub integrations: Vec<IntegrationId>,
    /// What names the person.
    pub identifier: Identifier,
    /// Who asks.
    pub actor: Actor,
}

/// Why nothing was deleted, or no certificate can be read.
#[derive(Debug, thiserror::Error)]
pub enum PrivacyError {
    /// Another request is being carried out, or the ledger has no room just now.
    #[error("the ledger is busy; try again")]
    Busy,
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The files of exports that may have had the events.
    #[error("the events are deleted, but files of exports that may have them are not: {0}")]
    Exports(ForgetError),
    /// The task that deletes ended before it was done: a defect of this program.
    #[error("the deletion ended before it was done")]
    Ended,
    /// A certificate could not be written or read.
    #[error("{path}: {source}")]
    File {
        /// The certificate's file.
        path: String,
        /// What the disk said.
        source: io::Error,
    },
}

impl std::fmt::Debug for Privacy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Privacy").finish_non_exhaustive()
    }
}

impl Privacy {
    /// Requests about the events of `ledger` and the files of `exports`; certificates are kept in `folder`, which is made
    /// when it does not exist.
    pub fn open(
        folder: &Path,
        catalog: Arc<Catalog>,
        (ledger, exports): (Ledger, Arc<Exports>),
        entropy: Arc<dyn Entropy>,
    ) -> io::Result<Self> {
        let disk = RealDisk::new(folder)?;
        Ok(Self { catalog, ledger, exports, entropy, disk, place: Semaphore::new(1) })
    }

    /// All integrations of an organization.
    pub fn integrations(&self, organization: OrganizationId) -> Vec<IntegrationId> {
        let snapshot = self.catalog.snapshot();
        let owner = snapshot.organization(organization);
        owner.map_or_else(Vec::new, |owner| owner.table::<Integration>().iter().map(|one| one.id).collect())
    }

    /// Deletes a person's events, and the files of exports that may have them, and writes the certificate. It takes as long
    /// as reading the identifier's column of the integrations' history.
    pub async fn forget(self: Arc<Self>, request: Request) -> Result<Certificate, PrivacyError> {
        let _place = self.place.try_acquire().map_err(|_| PrivacyError::Busy)?;
        let (jobs, organization) = (self.clone(), request.organization);
        let integrations = request.integrations.clone();
        let deleting = tokio::task::spawn_blocking(move || jobs.delete_events(&request)).await;
        let mut certificate = deleting.map_err(|_| PrivacyError::Ended)??;
        // Those without rows to delete too: an earlier request that was broken off, or retention, may have taken the rows
        // and left files that were made before.
        let mut files = 0;
        for integration in integrations {
            let gone = self.exports.forget(integration).await;
            files += gone.map_err(PrivacyError::Exports)?;
        }
        certificate.finish(self.catalog.now(), files as u64);
        let jobs = self.clone();
        let kept = tokio::task::spawn_blocking(move || {
            jobs.keep(organization, &certificate)?;
            Ok(jobs.as_of_now(certificate))
        });
        kept.await.map_err(|_| PrivacyError::Ended)?
    }

    fn delete_events(&self, request: &Request) -> Result<Certificate, PrivacyError> {
        let requested = self.catalog.now();
        let id = self.id(requested);
        let which = Deletion::Naming {
            integrations: request.integrations.clone(),
            column: request.identifier.kind.column(),
            text: request.identifier.text.clone(),
        };
        // The certificate is begun first: nothing is ever deleted without one.
        let mut certificate = Certificate::begin(id, requested, request);
        self.keep(request.organization, &certificate)?;
        certificate.note(&self.delete(&which)?);
        // They are gone from now on, whatever becomes of files: statements say so.
        self.keep(request.organization, &certificate)?;
        Ok(certificate)
    }

    fn delete(&self, which: &Deletion) -> Result<Deleted, PrivacyError> {
        for _ in 0..TRIES {
            if let Some(deleted) = self.ledger.delete(which)? {
                return Ok(deleted);
            }
            std::thread::sleep(PAUSE);
        }
        Err(PrivacyError::Busy)
    }

    /// 32 hexadecimal digits that rise with time.
    fn id(&self, at: Timestamp) -> String {
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}{random}", prefix(at))
    }

    fn keep(&self, organization: OrganizationId, certificate: &Certificate) -> Result<(), PrivacyError> {
        let path = path(organization, &certificate.id);
        // Serialising plain structs into memory does not fail.
        let bytes = serde_json::to_vec_pretty(certificate).unwrap_or_default();
        replace(&self.disk, &path, &bytes).map_err(|source| PrivacyError::File { path, source })
    }

    /// A certificate of the organization; `None` when there is none of this id.
    pub fn get(&self, organization: OrganizationId, id: &str) -> Result<Option<Certificate>, PrivacyError> {
        let is_id = id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_id {
            return Ok(None);
        }
        let path = path(organization, id);
        match read(&self.disk, &path) {
            Ok(certificate) => Ok(Some(self.as_of_now(certificate))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PrivacyError::File { path, source }),
        }
    }

    /// The newest certificates of the organization, [`MOST`] at most, the newest first.
    pub fn list(&self, organization: OrganizationId) -> Result<Vec<Certificate>, PrivacyError> {
        let mut ids = ids(&self.disk, organization)?;
        ids.sort_unstable_by(|a, b| b.cmp(a));
        let found = ids.iter().take(MOST).filter_map(|id| self.get(organization, id).transpose());
        found.collect()
    }

    /// The certificate with what is still to be done as of now.
    fn as_of_now(&self, mut certificate: Certificate) -> Certificate {
        let view = self.ledger.view();
        let is_there = |name: &String| view.segments().iter().any(|segment| segment.meta().name == *name);
        certificate.files.pending.retain(is_there);
        certificate.files.log_pending = certificate.completed_at.is_some() && self.ledger.is_erasing();
        certificate
    }
}

/// The certificates in `folder` of an organization's deletions that were asked for at `since` or later, the oldest first;
/// what is still to be done is told as of the day of each.
pub fn certificates_since(
    folder: &Path,
    organization: OrganizationId,
    since: Timestamp,
) -> Result<Vec<Certificate>, PrivacyError> {
    let unreadable = |path: &str| {
        let path = path.to_owned();
        move |source| PrivacyError::File { path, source }
    };
    let disk = RealDisk::new(folder).map_err(unreadable(&folder.display().to_string()))?;
    let mut ids = ids(&disk, organization)?;
    ids.retain(|id| **id >= *prefix(since));
    ids.sort_unstable();
    let read = |id: &String| {
        let path = path(organization, id);
        read(&disk, &path).map_err(unreadable(&path))
    };
    ids.iter().map(read).collect()
}

/// The ids of an organization's certificates, in no order.
fn ids(disk: &RealDisk, organization: OrganizationId) -> Result<Vec<String>, PrivacyError> {
    let folder = organization.to_string();
    let names = disk.list(&folder).map_err(|source| PrivacyError::File { path: folder, source })?;
    Ok(names.iter().filter_map(|name| name.strip_suffix(".json")).map(str::to_owned).collect())
}

/// What ids of a time begin with.
fn prefix(at: Timestamp) -> String {
    format!("{:012x}", at.millis())
}

fn read(disk: &RealDisk, path: &str) -> io::Result<Certificate> {
    let file = disk.open(path)?;
    let mut bytes = vec![0; file.length()? as usize];
    file.read_at(0, &mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// Where a certificate lies in the folder.
fn path(organization: OrganizationId, id: &str) -> String {
    format!("{organization}/{id}.json")
}
