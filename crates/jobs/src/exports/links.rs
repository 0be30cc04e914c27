//! Links to files: whoever has one may download the one file of the one organization until it expires, without a key.
//! An organization's links are signed with a key of its own, so replacing that ends all of them at once.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;
use tollgate_domain::{OrganizationId, Timestamp, hex, unhex};

/// The first line of what is signed.
const TITLE: &str = "tollgate-download-1";

/// What a link to a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Whose file it is.
    pub organization: OrganizationId,
    /// The file's name.
    pub artifact: String,
    /// When the link ends, in seconds since the epoch.
    pub expires: i64,
    /// Hexadecimal.
    pub signature: String,
}

/// A link that leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Someone else made it, or changed it, or the key was replaced.
    #[error("The link's signature is not right: it is for another file or time, or the links were revoked.")]
    Wrong,
    /// Its time is over.
    #[error("The link has expired; ask for a new one.")]
    Expired,
}

/// Makes links that all end at the same time.
#[derive(Clone)]
pub struct Signer {
    key: Vec<u8>,
    organization: OrganizationId,
    expires: i64,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("expires", &self.expires).finish_non_exhaustive()
    }
}

impl Signer {
    pub(super) fn new(key: Vec<u8>, organization: OrganizationId, expires: i64) -> Self {
        Self { key, organization, expires }
    }

    /// A link to a file.
    pub fn link(&self, artifact: &str) -> Link {
        let Self { key, organization, expires } = self;
        let signature = hex(&mac(key, *organization, artifact, *expires).finalize().into_bytes());
        Link { organization: *organization, artifact: artifact.to_owned(), expires: *expires, signature }
    }
}

/// Whether a link was made with `key` and has not ended.
pub(super) fn check(key: &[u8], link: &Link, now: Timestamp) -> Result<(), LinkError> {
    let given = unhex(&link.signature).ok_or(LinkError::Wrong)?;
    let mac = mac(key, link.organization, &link.artifact, link.expires);
    // Compared in constant time.
    mac.verify_slice(&given).map_err(|_| LinkError::Wrong)?;
    if now.seconds() < link.expires { Ok(()) } else { Err(LinkError::Expired) }
}

fn mac(key: &[u8], organization: OrganizationId, artifact: &str, expires: i64) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).expect("a key of any length");
    // The artifact comes last: nothing in it can be taken for another part.
    mac.update(format!("{TITLE}\n{organization}\n{expires}\n{artifact}").as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"a key of some length";

    fn organization(id: &str) -> OrganizationId {
        id.repeat(24).parse().unwrap()
    }

    #[test]
    fn a_link_is_for_one_file_of_one_organization_and_ends() {
        let link = Signer::new(KEY.to_vec(), organization("1"), 1_000).link("a.csv");
        let (in_time, late) = (Timestamp::from_millis(999_999), Timestamp::from_millis(1_000_000));
        assert_eq!(check(KEY, &link, in_time), Ok(()));
        assert_eq!(check(KEY, &link, late), Err(LinkError::Expired));
        for changed in [
            Link { organization: organization("2"), ..link.clone() },
            Link { artifact: "b.csv".to_owned(), ..link.clone() },
            Link { expires: 1_001, ..link.clone() },
            Link { signature: link.signature.replace(['0', '1'], "2"), ..link.clone() },
            Link { signature: link.signature[..62].to_owned(), ..link.clone() },
            Link { signature: "no hexadecimal digits".to_owned(), ..link.clone() },
            Link { signature: String::new(), ..link.clone() },
        ] {
            assert_eq!(check(KEY, &changed, in_time), Err(LinkError::Wrong), "{changed:?}");
        }
        assert_eq!(check(b"another key", &link, in_time), Err(LinkError::Wrong));
    }
}
