//! Facts about an address: the parsed forms of every address file and the structure they are looked up in.
//!
//! Whatever a file's form, it becomes spans (first address, last address, value) and then one sorted array of disjoint
//! intervals. Damage is found while loading; a lookup cannot fail, allocates nothing and reads no file.

mod asn;
mod geo;
mod intervals;
mod list;
mod mmdb;
mod span;

pub(crate) use asn::AsnTable;
pub(crate) use geo::GeoTable;
pub(crate) use intervals::AddressMap;
pub(crate) use list::parse_list;
use span::Span;
pub(crate) use span::Spans;
