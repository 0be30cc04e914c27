//! Reading MMDB files whole: every network once, every record once.
//!
//! The tree is turned into intervals and dropped. That costs a second or two for the largest files and buys lookups without tree walks and
//! decoding, and the certainty that a damaged record is found while the old file can still stay in use.

use super::{AddressMap, Spans};
use crate::error::Malformed;
use hashbrown::HashMap;
use maxminddb::{MaxMindDbError, Reader};
use serde::Deserialize;
use std::hash::Hash;

/// An MMDB file as intervals over a table of distinct values.
pub(crate) struct Database<V> {
    pub(crate) map: AddressMap,
    pub(crate) values: Vec<V>,
    pub(crate) networks: usize,
    pub(crate) database_type: String,
    /// Unix seconds of the build.
    pub(crate) built: u64,
}

impl From<MaxMindDbError> for Malformed {
    fn from(error: MaxMindDbError) -> Self {
        Self::new(format!("MMDB: {error}"))
    }
}

/// Reads all networks; `convert` makes the value of a record, or says that it is of no use here.
pub(crate) fn read<R, V>(bytes: &[u8], convert: impl Fn(R) -> Option<V>) -> Result<Database<V>, Malformed>
where
    R: for<'de> Deserialize<'de>,
    V: Clone + Eq + Hash,
{
    let reader = Reader::from_source(bytes)?;
    let mut of_record: HashMap<usize, Option<u32>> = HashMap::new();
    let mut of_value: HashMap<V, u32> = HashMap::new();
    let (mut values, mut spans, mut networks) = (Vec::new(), Spans::default(), 0);
    for found in reader.networks(Default::default())? {
        let found = found?;
        let Some(offset) = found.offset() else { continue };
        let value = match of_record.get(&offset) {
            Some(value) => *value,
            None => {
                let value = found.decode::<R>()?.and_then(&convert).map(|value| {
                    *of_value.entry(value.clone()).or_insert_with(|| {
                        values.push(value);
                        values.len() as u32 - 1
                    })
                });
                of_record.insert(offset, value);
                value
            }
        };
        networks += 1;
        if let Some(value) = value {
            let network = found.network()?;
            spans
                .push(network.network(), network.broadcast(), value)
                .ok_or_else(|| Malformed::new(format!("MMDB: {network} is no network")))?;
        }
    }
    let metadata = reader.metadata();
    let (database_type, built) = (metadata.database_type.clone(), metadata.build_epoch);
    Ok(Database { map: AddressMap::new(spans), values, networks, database_type, built })
}
