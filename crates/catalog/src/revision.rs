//! Revisions: their rows, and the bytes of a document. The first byte of a document names its format: 0 is JSON, 1 is
//! JSON compressed with zlib. The actor and the times are columns, never part of the document.

use crate::error::Damaged;
use crate::kinds::kind_named;
use crate::object::{Meta, Object, Stored, Table};
use crate::pool::Pool;
use flate2::Compression;
use flate2::read::{ZlibDecoder, ZlibEncoder};
use serde::Serialize;
use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;
use tollgate_domain::{OrganizationId, Timestamp};

const PLAIN: u8 = 0;
const ZLIB: u8 = 1;
/// Shorter documents are not worth compressing.
const COMPRESS_FROM: usize = 512;

/// One row of the log, its document still encoded.
#[derive(Debug, Clone)]
pub(crate) struct RawRevision {
    pub(crate) seq: u64,
    pub(crate) organization: OrganizationId,
    /// One of `KINDS`.
    pub(crate) kind: &'static str,
    pub(crate) id: Arc<str>,
    pub(crate) version: u64,
    pub(crate) at: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) actor: Arc<str>,
    pub(crate) doc: Vec<u8>,
    pub(crate) deleted: bool,
}

impl RawRevision {
    fn describe(&self) -> String {
        format!("{} {} (seq {})", self.kind, self.id, self.seq)
    }

    pub(crate) fn decode<T: Object>(&self) -> Result<T, Damaged> {
        let json = decode(&self.doc).map_err(|why| Damaged::new(self.describe(), why))?;
        let value: T = serde_json::from_slice(&json).map_err(|error| Damaged::new(self.describe(), error))?;
        if value.id() != &*self.id {
            return Err(Damaged::new(self.describe(), "its document names another id"));
        }
        Ok(value)
    }

    pub(crate) fn fold_into<T: Object>(&self, table: &mut Table<T>, pool: &mut Pool) -> Result<(), Damaged> {
        if self.deleted {
            table.remove(&self.id);
            if T::IS_REMEMBERED {
                self.remember_in(table)?;
            }
        } else {
            let mut value: T = self.decode()?;
            value.share(pool);
            table.insert(Stored { value, meta: self.meta() });
        }
        Ok(())
    }

    /// Keeps what a deletion says as the object's last state.
    pub(crate) fn remember_in<T: Object>(&self, table: &mut Table<T>) -> Result<(), Damaged> {
        table.remember(Stored { value: self.decode()?, meta: self.meta() });
        Ok(())
    }

    fn meta(&self) -> Meta {
        Meta {
            id: self.id.clone(),
            version: self.version,
            seq: self.seq,
            created_at: self.created_at,
            updated_at: self.at,
            updated_by: self.actor.clone(),
            is_deleted: self.deleted,
        }
    }

    pub(crate) fn publish(self) -> Result<Revision, Damaged> {
        let json = decode(&self.doc).map_err(|why| Damaged::new(self.describe(), why))?;
        let document = serde_json::from_slice(&json).map_err(|error| Damaged::new(self.describe(), error))?;
        Ok(Revision {
            seq: self.seq,
            kind: self.kind,
            id: self.id,
            version: self.version,
            at: self.at,
            actor: self.actor,
            deleted: self.deleted,
            document,
        })
    }
}

/// One state in an object's history.
#[derive(Debug, Clone)]
pub struct Revision {
    /// Its place in the log.
    pub seq: u64,
    /// The object's kind.
    pub kind: &'static str,
    /// The object's id.
    pub id: Arc<str>,
    /// 1 at creation, one more with every change.
    pub version: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it.
    pub actor: Arc<str>,
    /// Whether this revision deleted the object.
    pub deleted: bool,
    /// The document; of a deletion, the last one.
    pub document: serde_json::Value,
}

/// A change of a secret as stored: `None` is "there is none any more".
#[derive(Debug, Clone)]
pub(crate) struct RawSecret {
    pub(crate) organization: OrganizationId,
    pub(crate) kind: &'static str,
    pub(crate) id: Arc<str>,
    pub(crate) secret: Option<crate::secret::StoredSecret>,
}

impl RawSecret {
    pub(crate) fn read(
        organization: &str,
        kind: &str,
        id: &str,
        algorithm: &str,
        value: &[u8],
    ) -> Result<Self, Damaged> {
        let describe = || format!("a secret of {kind} {id}");
        let secret = match algorithm {
            "none" => None,
            _ => Some(
                crate::secret::StoredSecret::read(algorithm, value)
                    .ok_or_else(|| Damaged::new(describe(), "its form is unknown"))?,
            ),
        };
        Ok(Self {
            organization: organization.parse().map_err(|error| Damaged::new(describe(), error))?,
            kind: kind_named(kind)?,
            id: id.into(),
            secret,
        })
    }
}

/// The bytes of a document.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Damaged> {
    let json = serde_json::to_vec(value).map_err(|error| Damaged::new("a new document", error))?;
    if json.len() >= COMPRESS_FROM {
        let mut out = vec![ZLIB];
        let read = ZlibEncoder::new(json.as_slice(), Compression::default()).read_to_end(&mut out);
        if read.is_ok() && out.len() <= json.len() {
            return Ok(out);
        }
    }
    let mut out = Vec::with_capacity(json.len() + 1);
    out.push(PLAIN);
    out.extend_from_slice(&json);
    Ok(out)
}

/// The JSON of a document's bytes.
fn decode(doc: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    match doc.split_first() {
        Some((&PLAIN, json)) => Ok(Cow::Borrowed(json)),
        Some((&ZLIB, packed)) => {
            let mut json = Vec::with_capacity(packed.len() * 4);
            ZlibDecoder::new(packed).read_to_end(&mut json).map_err(|error| error.to_string())?;
            Ok(Cow::Owned(json))
        }
        Some((format, _)) => Err(format!("document format {format} is unknown")),
        None => Err("the document is empty".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_both_formats_come_back() {
        for (text, format) in [("short".to_owned(), PLAIN), ("long ".repeat(1000), ZLIB)] {
            let doc = encode(&text).unwrap();
            assert_eq!(doc[0], format);
            assert_eq!(serde_json::from_slice::<String>(&decode(&doc).unwrap()).unwrap(), text);
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        for doc in [&[][..], &[9, 1], &[ZLIB, 1, 2, 3]] {
            assert!(decode(doc).is_err());
        }
    }
}
