//! What can go wrong between the catalog and its file.

use crate::draft::Refused;
use std::path::PathBuf;

/// The catalog's file or log is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// SQLite said no. The message is for the log, not for callers.
    #[error("the catalog's database failed: {0}")]
    Storage(#[from] sqlx::Error),
    /// A stored document or secret cannot be read.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The file could not be made or reached.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// There is no catalog yet.
    #[error("{path} does not exist; run `tollgate init` first", path = .0.display())]
    Missing(PathBuf),
    /// The file is some other program's.
    #[error("{path} is not a Tollgate catalog", path = .0.display())]
    Foreign(PathBuf),
    /// A later Tollgate wrote the file.
    #[error("{path} has format {found}; this Tollgate reads formats up to {known}", path = path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
}

/// A row that cannot be what was written.
#[derive(Debug, thiserror::Error)]
#[error("the catalog holds {what} that cannot be read: {why}")]
pub struct Damaged {
    what: String,
    why: String,
}

impl Damaged {
    pub(crate) fn new(what: impl Into<String>, why: impl ToString) -> Self {
        Self { what: what.into(), why: why.to_string() }
    }

    pub(crate) fn unknown_kind(kind: &str) -> Self {
        Self::new(format!("an object of kind {kind:?}"), "a later Tollgate wrote it")
    }
}

/// Why a write did not happen. Nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It broke a rule; the caller's to mend.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The catalog failed; the operator's to mend.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Catalog(error.into())
    }
}

impl From<Damaged> for WriteError {
    fn from(error: Damaged) -> Self {
        Self::Catalog(error.into())
    }
}
