//! Why a request did not come to an answer. Texts name hosts and limits, never addresses, paths or queries.

use std::time::Duration;

/// A request that failed.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The text is no URL with a host.
    #[error("this is not an absolute URL with a host")]
    BadUrl,
    /// The scheme is none that may be used here, or a redirect leaves https.
    #[error("only https is used for {host}, not {scheme}")]
    Scheme {
        /// The host.
        host: String,
        /// What was asked for.
        scheme: String,
    },
    /// The URL holds a user name or password.
    #[error("the address of {0} holds a user name or password")]
    Credentials(String),
    /// The system's resolver knows no address.
    #[error("{host} has no address: {cause}")]
    Unresolved {
        /// The host.
        host: String,
        /// What the resolver says.
        cause: std::io::Error,
    },
    /// Every address of the host is one that must not be connected to.
    #[error("{host} leads to an address that is not connected to ({network}); outbound_allow can allow it")]
    Refused {
        /// The host.
        host: String,
        /// What the address is, as in `loopback`.
        network: &'static str,
    },
    /// No address took a connection.
    #[error("{host} takes no connection: {cause}")]
    Connect {
        /// The host.
        host: String,
        /// Why the last one did not.
        cause: std::io::Error,
    },
    /// The host's certificate or its TLS is not acceptable.
    #[error("no trusted TLS connection to {host}: {cause}")]
    Tls {
        /// The host.
        host: String,
        /// What is wrong.
        cause: std::io::Error,
    },
    /// The answer is not HTTP, or broke off.
    #[error("{host} does not answer in HTTP: {cause}")]
    Broken {
        /// The host.
        host: String,
        /// What is wrong.
        cause: hyper::Error,
    },
    /// The head of the answer is too long.
    #[error("the head of the answer of {0} is too long")]
    HeadTooLong(String),
    /// The body of the answer is too long.
    #[error("the answer of {host} is longer than {limit} bytes")]
    BodyTooLong {
        /// The host.
        host: String,
        /// Bytes that are read.
        limit: usize,
    },
    /// The body is compressed although that was not asked for.
    #[error("the answer of {0} is compressed although that was not asked for")]
    Encoded(String),
    /// A redirect without a usable target.
    #[error("{0} redirects to nowhere")]
    BadRedirect(String),
    /// More redirects than are followed.
    #[error("more than {0} redirects")]
    TooManyRedirects(usize),
    /// The whole took too long.
    #[error("no whole answer within {} s", .0.as_secs_f32())]
    TooSlow(Duration),
}

impl OutboundError {
    /// The same in one word, for programs. Never changes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadUrl => "bad_url",
            Self::Scheme { .. } => "scheme_not_allowed",
            Self::Credentials(_) => "credentials_in_url",
            Self::Unresolved { .. } => "unresolved",
            Self::Refused { .. } => "address_not_allowed",
            Self::Connect { .. } => "no_connection",
            Self::Tls { .. } => "tls",
            Self::Broken { .. } => "not_http",
            Self::HeadTooLong(_) => "head_too_long",
            Self::BodyTooLong { .. } => "body_too_long",
            Self::Encoded(_) => "encoded_body",
            Self::BadRedirect(_) => "bad_redirect",
            Self::TooManyRedirects(_) => "too_many_redirects",
            Self::TooSlow(_) => "too_slow",
        }
    }
}
