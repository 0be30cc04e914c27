//! The kinds of address lists.

use tollgate_domain::ProxyKind;

/// What the addresses of a list are: the folders under `ranges/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RangeKind {
    /// `tor`
    Tor,
    /// `vpn`
    Vpn,
    /// `residential_proxy`
    ResidentialProxy,
    /// `public_proxy`
    PublicProxy,
    /// `data_center`
    DataCenter,
    /// `private_relay`
    PrivateRelay,
    /// `search_engine`: each file is one engine's published ranges.
    SearchEngine,
}

impl RangeKind {
    /// Every kind; among ranges of equal size the earlier kind wins.
    pub const ALL: [Self; 7] = [
        Self::Tor,
        Self::Vpn,
        Self::ResidentialProxy,
        Self::PublicProxy,
        Self::DataCenter,
        Self::PrivateRelay,
        Self::SearchEngine,
    ];

    /// The folder within the signals directory.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Tor => "ranges/tor",
            Self::Vpn => "ranges/vpn",
            Self::ResidentialProxy => "ranges/residential_proxy",
            Self::PublicProxy => "ranges/public_proxy",
            Self::DataCenter => "ranges/data_center",
            Self::PrivateRelay => "ranges/private_relay",
            Self::SearchEngine => "ranges/search_engine",
        }
    }

    /// The proxy kind its addresses are of; `None` for search engines.
    pub const fn proxy(self) -> Option<ProxyKind> {
        match self {
            Self::Tor => Some(ProxyKind::Tor),
            Self::Vpn => Some(ProxyKind::Vpn),
            Self::ResidentialProxy => Some(ProxyKind::ResidentialProxy),
            Self::PublicProxy => Some(ProxyKind::PublicProxy),
            Self::DataCenter => Some(ProxyKind::DataCenter),
            Self::PrivateRelay => Some(ProxyKind::PrivateRelay),
            Self::SearchEngine => None,
        }
    }
}
