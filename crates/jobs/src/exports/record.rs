//! What is exported, and what became of it.

use serde::{Deserialize, Serialize};
use tollgate_domain::{EventKind, IntegrationId, OrganizationId, Timestamp};

/// What becomes of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportState {
    /// It waits.
    Pending,
    /// It is written.
    InProgress,
    /// Its file is whole.
    Completed,
    /// It failed; the reason is with it.
    Error,
    /// Someone ended it.
    Canceled,
}

impl ExportState {
    /// Every state, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::InProgress, Self::Completed, Self::Error, Self::Canceled];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Error => "ERROR",
            Self::Canceled => "CANCELED",
        }
    }
}

/// What kinds of logs are called.
pub const LOG_NAMES: [&str; 3] = ["click_logs", "conversion_logs", "impression_logs"];

/// What a kind's log is called.
pub const fn log_name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Click => LOG_NAMES[0],
        EventKind::Conversion => LOG_NAMES[1],
        EventKind::Impression => LOG_NAMES[2],
    }
}

/// A filter of a request, as it was asked for: what several values mean is the operator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedFilter {
    /// The field.
    pub field: String,
    /// The operator, as in `gte`.
    pub operator: String,
    /// What the field is compared with.
    pub values: Vec<String>,
}

/// What is to be exported. Everything was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportRequest {
    /// Whose it is.
    pub organization: OrganizationId,
    /// The integration whose events they are.
    pub integration: IntegrationId,
    /// Their kind.
    #[serde(with = "kind")]
    pub kind: EventKind,
    /// The first day, as it was asked for.
    pub start_date: String,
    /// The last day.
    pub end_date: String,
    /// The first instant of these days.
    pub from: Timestamp,
    /// The first instant after them.
    pub to: Timestamp,
    /// What events must satisfy.
    pub filters: Vec<AskedFilter>,
    /// The columns, by the names of fields.
    pub fields: Vec<String>,
    /// Extra parameters that become columns behind them.
    pub extra_parameters: Vec<String>,
    /// What stands between cells: an ASCII character.
    pub delimiter: u8,
    /// Whether cells that a spreadsheet would run are made harmless.
    pub safe_cells: bool,
    /// Whether the file is compressed.
    pub gzip: bool,
}

/// Kinds by their names.
mod kind {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use tollgate_domain::EventKind;

    pub(super) fn serialize<S: Serializer>(kind: &EventKind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(kind.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<EventKind, D::Error> {
        let name = String::deserialize(from)?;
        EventKind::from_name(&name).ok_or_else(|| D::Error::custom("no kind of events"))
    }
}

/// An export: the request and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// Its id.
    pub id: String,
    /// The name of its file, once there is one.
    pub artifact: String,
    /// What was asked for.
    pub request: ExportRequest,
    /// By whom.
    pub requested_by: String,
    /// Who changed it last.
    pub updated_by: String,
    /// What became of it.
    pub state: ExportState,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When something of it changed last.
    pub updated_at: Timestamp,
    /// When it was begun last.
    pub started_at: Option<Timestamp>,
    /// When it came to an end.
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// Rows of the file.
    pub total: Option<u64>,
    /// Bytes of the file.
    pub size: Option<u64>,
    /// The `seq` of the ledger that it shows.
    pub cut: Option<u64>,
    /// How much of it is written, from 0 to 1.
    pub progress: f64,
}

impl Export {
    /// The file's tag, which changes with its contents: a file is written once, and never again when it is whole.
    pub fn tag(&self) -> String {
        let at = self.finished_at.map_or(0, Timestamp::millis);
        format!("\"{}-{at}\"", self.id)
    }
}
