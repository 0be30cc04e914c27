//! The one outgoing HTTP client of the house. It resolves names itself, connects to the very address it checked,
//! checks every redirect anew, and takes neither more time nor more bytes than it was given.
//!
//! It follows no proxy settings, keeps no cookies and sends no credentials.

mod address;
mod client;
mod connect;
mod destination;
mod error;
mod exchange;
mod post;
#[cfg(feature = "testing")]
pub mod testing;

pub use address::Rules;
pub use client::{Fetched, Limits, Options, Outbound, authorities};
pub use connect::{Resolve, SystemResolver};
pub use destination::Destinations;
pub use error::OutboundError;
pub use exchange::Answered;
pub use post::Post;
