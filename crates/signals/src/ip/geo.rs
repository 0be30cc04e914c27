//! Where an address is: MMDB files of countries or cities, and the text tables of Debian's tor-geoipdb.

use super::{AddressMap, Spans, mmdb};
use crate::error::Malformed;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use tollgate_domain::Country;

/// A country and, where the file knows it, a city (empty otherwise).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) country: Option<Country>,
    pub(crate) city: Box<str>,
}

/// One geo file.
#[derive(Debug)]
pub(crate) struct GeoTable {
    map: AddressMap,
    places: Vec<Place>,
    pub(crate) entries: usize,
    /// Unix seconds of an MMDB's build.
    pub(crate) built: Option<u64>,
    pub(crate) has_cities: bool,
}

#[derive(Deserialize)]
struct Record {
    country: Option<CountryRecord>,
    registered_country: Option<CountryRecord>,
    city: Option<CityRecord>,
}

#[derive(Deserialize)]
struct CountryRecord {
    iso_code: Option<String>,
}

#[derive(Deserialize)]
struct CityRecord {
    names: Option<BTreeMap<String, String>>,
}

impl Record {
    /// The country where the address is used, else where it is registered.
    fn place(self) -> Option<Place> {
        let code = |record: Option<CountryRecord>| record?.iso_code?.parse::<Country>().ok();
        let country = code(self.country).or_else(|| code(self.registered_country));
        let city = self.city.and_then(|city| city.names?.remove("en")).unwrap_or_default();
        (country.is_some() || !city.is_empty()).then(|| Place { country, city: city.into() })
    }
}

impl GeoTable {
    /// Reads a country or city MMDB.
    pub(crate) fn from_mmdb(bytes: &[u8]) -> Result<Self, Malformed> {
        let database = mmdb::read(bytes, Record::place)?;
        if database.values.is_empty() {
            return Err(Malformed::new(format!("MMDB of type {} holds no country", database.database_type)));
        }
        let has_cities = database.values.iter().any(|place| !place.city.is_empty());
        let (map, places) = (database.map, database.values);
        Ok(Self { map, places, entries: database.networks, built: Some(database.built), has_cities })
    }

    /// Reads `low,high,CC` lines: IPv4 as decimal numbers, IPv6 as addresses, `??` for unknown.
    pub(crate) fn from_text(bytes: &[u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed::new("it is not UTF-8 text"))?;
        let places: Vec<_> =
            Country::all().map(|code| Place { country: Some(code), city: Box::default() }).collect();
        let mut spans = Spans::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') && push_line(&mut spans, line, &places).is_none() {
                return Err(Malformed::at_line(number + 1, "not `low,high,CC`", line));
            }
        }
        if spans.len() == 0 {
            return Err(Malformed::new("a table without a single range"));
        }
        let entries = spans.len();
        Ok(Self { map: AddressMap::new(spans), places, entries, built: None, has_cities: false })
    }

    #[inline]
    pub(crate) fn get(&self, ip: IpAddr) -> Option<&Place> {
        Some(&self.places[self.map.get(ip)? as usize])
    }

    pub(crate) fn bytes(&self) -> usize {
        self.map.bytes()
    }
}

fn push_line(spans: &mut Spans, line: &str, places: &[Place]) -> Option<()> {
    let (low, rest) = line.split_once(',')?;
    let (high, code) = rest.split_once(',')?;
    let code: [u8; 2] = code.as_bytes().try_into().ok()?;
    let address = |text: &str| match text.parse::<u32>() {
        Ok(number) => Some(IpAddr::V4(Ipv4Addr::from_bits(number))),
        Err(_) => text.parse().ok(),
    };
    let (low, high) = (address(low)?, address(high)?);
    let Some(country) = Country::from_code(code) else {
        // `??`, or a code that is no country (satellites, anycast): legal, and nothing is known.
        return (low <= high).then_some(());
    };
    let value = places.binary_search_by_key(&Some(country), |place| place.country).ok()?;
    spans.push(low, high, value as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_tables_of_both_families() {
        let table = "# head\n16777216,16777471,AU\n16777472,16778239,CN\n15726992,15726999,??\n2001:2::,2001:2:0:ffff:ffff:ffff:ffff:ffff,JP\n";
        let geo = GeoTable::from_text(table.as_bytes()).unwrap();
        let country =
            |ip: &str| geo.get(ip.parse().unwrap()).and_then(|place| place.country).map(|c| c.to_string());
        assert_eq!(country("1.0.0.255").as_deref(), Some("AU"));
        assert_eq!(country("1.0.1.0").as_deref(), Some("CN"));
        assert_eq!(country("0.239.248.80"), None);
        assert_eq!(country("2001:2::1").as_deref(), Some("JP"));
        assert_eq!(geo.entries, 3);
    }

    #[test]
    fn a_table_cut_in_a_line_is_refused() {
        for text in ["", "# only a head\n", "16777216,16777471,AU\n167774", "5,4,AU\n", "1,2,AUS\n"] {
            assert!(GeoTable::from_text(text.as_bytes()).is_err(), "{text}");
        }
    }
}
