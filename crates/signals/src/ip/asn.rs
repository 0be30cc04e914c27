//! Whose network an address is in: MMDB files of the GeoLite2-ASN and GeoIP2-ISP forms.

use super::{AddressMap, mmdb};
use crate::error::Malformed;
use serde::Deserialize;
use std::net::IpAddr;

/// An autonomous system and the name of the provider (empty when unknown).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Network {
    pub(crate) asn: Option<u32>,
    pub(crate) isp: Box<str>,
}

/// One ASN file.
#[derive(Debug)]
pub(crate) struct AsnTable {
    map: AddressMap,
    networks: Vec<Network>,
    pub(crate) entries: usize,
    /// Unix seconds of the build.
    pub(crate) built: u64,
}

#[derive(Deserialize)]
struct Record {
    autonomous_system_number: Option<u32>,
    autonomous_system_organization: Option<String>,
    isp: Option<String>,
    organization: Option<String>,
}

impl Record {
    /// The provider's own name, else the organization's, else the autonomous system's.
    fn network(self) -> Option<Network> {
        let isp = self.isp.or(self.organization).or(self.autonomous_system_organization).unwrap_or_default();
        let asn = self.autonomous_system_number;
        (asn.is_some() || !isp.is_empty()).then(|| Network { asn, isp: isp.into() })
    }
}

impl AsnTable {
    /// Reads the file.
    pub(crate) fn from_mmdb(bytes: &[u8]) -> Result<Self, Malformed> {
        let database = mmdb::read(bytes, Record::network)?;
        if database.values.is_empty() {
            return Err(Malformed::new(format!("MMDB of type {} holds no network", database.database_type)));
        }
        let (map, networks) = (database.map, database.values);
        Ok(Self { map, networks, entries: database.networks, built: database.built })
    }

    #[inline]
    pub(crate) fn get(&self, ip: IpAddr) -> Option<&Network> {
        Some(&self.networks[self.map.get(ip)? as usize])
    }

    pub(crate) fn bytes(&self) -> usize {
        self.map.bytes()
    }
}
