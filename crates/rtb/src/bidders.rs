//! Whom an integration may name as its bidder.

use tollgate_domain::Template;
use tollgate_outbound::{Destinations, Options};

/// The addresses that bidders may have.
#[derive(Debug, Clone)]
pub struct Bidders(Destinations);

impl From<&Options> for Bidders {
    fn from(options: &Options) -> Self {
        Self(Destinations::from(options))
    }
}

impl Bidders {
    /// Whether an auction could ask at this address, as far as it tells by itself. It is asked at as it is, so it has no
    /// macros.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn check(&self, url: &str) -> Result<(), String> {
        if Template::url(url)?.names().next().is_some() {
            return Err("must not have macros: a bidder is told about the click in its request".to_owned());
        }
        self.0.check(url)
    }
}
