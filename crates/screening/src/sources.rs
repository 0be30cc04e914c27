//! Which data files a verdict rests on.

use tollgate_domain::ProxyKind;

/// What a data file speaks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The country of an address.
    Country,
    /// The provider and the autonomous system of an address.
    Network,
    /// Ranges of one kind of proxy.
    Proxy(ProxyKind),
    /// User agents and automata.
    Agents,
    /// Published ranges of search engines.
    SearchEngines,
}

/// A data file that was in use when the event's signals were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataSource<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Its version: whatever tells one edition from another.
    pub version: &'a str,
}

/// Knows the data files in use. Asked only when a filter has fired.
pub trait DataSources {
    /// The file that speaks about `topic`, if there is one.
    fn source(&self, topic: Topic) -> Option<DataSource<'_>>;
}

/// No data files at all.
impl DataSources for () {
    fn source(&self, _topic: Topic) -> Option<DataSource<'_>> {
        None
    }
}
