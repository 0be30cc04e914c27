//! Vocabulary for what data files say about an address or a user agent.

macro_rules! coded {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code that reports, evidence and filter parameters use.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The value of a code.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.code() == code)
            }
        }
    };
}
pub(crate) use coded;

coded!(
    /// What kind of intermediary an address belongs to, as its most specific known range says.
    ProxyKind {
        /// A VPN exit.
        Vpn = "VPN",
        /// A hosting provider or cloud.
        DataCenter = "DATA_CENTER",
        /// A Tor exit.
        Tor = "TOR",
        /// An open proxy.
        PublicProxy = "PUBLIC_PROXY",
        /// A proxy on a consumer's line.
        ResidentialProxy = "RESIDENTIAL_PROXY",
        /// A private relay for consumers (not a proxy unless a filter says so).
        PrivateRelay = "PRIVATE_RELAY",
    }
);

coded!(
    /// Why a user agent is taken for an automaton. The codes are the `bot` filter's parameter names.
    BotClass {
        /// A declared crawler or fetcher.
        Crawler = "crawlers",
        /// A headless browser.
        Headless = "headless",
        /// An emulated device.
        Emulator = "emulators",
        /// A script library or command-line client.
        Library = "libraries",
        /// No user agent at all.
        Empty = "empty_user_agent",
        /// Device, system and browser that never shipped together.
        Contradiction = "contradiction",
    }
);
