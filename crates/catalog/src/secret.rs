//! Secrets: how they are made, hashed and held. Nothing here prints one; whoever shows a secret calls
//! [`Secret::expose`] and thereby says so.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use sha2::{Digest as _, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;
use tollgate_domain::{Entropy, hex};

/// A secret in the clear, on its way to the person it is shown to once.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// 256 random bits as 64 hex characters.
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        Self(hex(&bytes))
    }

    /// 160 random bits as 40 hex characters: the length of a legacy signature.
    pub fn random_signature(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 20];
        entropy.fill(&mut bytes);
        Self(hex(&bytes))
    }

    /// A password of 24 characters (120 bits) without look-alikes.
    pub fn random_password(entropy: &dyn Entropy) -> Self {
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let mut bytes = [0; 24];
        entropy.fill(&mut bytes);
        Self(bytes.iter().map(|byte| ALPHABET[usize::from(byte % 32)] as char).collect())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Its digest, as stored.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of a random secret. Fit for random ones only: passwords need [`hash_password`].
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of a secret as it was sent.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The digest of bytes that are no secret.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// As 64 hex characters.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What maps are keyed by; the whole digest is compared in constant time afterwards.
    pub(crate) fn key(&self) -> u128 {
        let (head, _) = self.0.split_at(16);
        u128::from_le_bytes(head.try_into().unwrap_or_default())
    }
}

impl PartialEq for Digest {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// What is stored beside an object and never in its document.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredSecret {
    /// SHA-256 of a random secret: API keys, OAuth clients, legacy signatures. It identifies the object.
    Digest(Digest),
    /// An argon2id hash in PHC form.
    Password(String),
    /// A key that is needed in the clear, such as the one that signs links.
    Key(Vec<u8>),
}

impl StoredSecret {
    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Digest(_) => "sha256",
            Self::Password(_) => "argon2id",
            Self::Key(_) => "key",
        }
    }

    pub(crate) fn value(&self) -> &[u8] {
        match self {
            Self::Digest(digest) => digest.as_bytes(),
            Self::Password(phc) => phc.as_bytes(),
            Self::Key(key) => key,
        }
    }

    pub(crate) fn read(algorithm: &str, value: &[u8]) -> Option<Self> {
        match algorithm {
            "sha256" => Digest::from_bytes(value).map(Self::Digest),
            "argon2id" => String::from_utf8(value.to_vec()).ok().map(Self::Password),
            "key" => Some(Self::Key(value.to_vec())),
            _ => None,
        }
    }

    /// Whether `password` is the one this hash was made of. Takes tens of milliseconds: call it on a blocking thread.
    pub fn verify_password(&self, password: &str) -> bool {
        let Self::Password(phc) = self else { return false };
        PasswordHash::new(phc).is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
    }
}

impl fmt::Debug for StoredSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredSecret::{}(…)", self.algorithm())
    }
}

/// OWASP's second recommendation for argon2id: 19 MiB, 2 passes, 1 lane.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// The argon2id hash of a password. Takes tens of milliseconds: call it on a blocking thread.
pub fn hash_password(password: &str, entropy: &dyn Entropy) -> Result<StoredSecret, PasswordError> {
    let mut salt = [0; 16];
    entropy.fill(&mut salt);
    let salt = SaltString::encode_b64(&salt).map_err(|error| PasswordError(error.to_string()))?;
    let hash = argon2().hash_password(password.as_bytes(), &salt);
    hash.map(|hash| StoredSecret::Password(hash.to_string()))
        .map_err(|error| PasswordError(error.to_string()))
}

/// A password that cannot be hashed (it is longer than argon2 takes).
#[derive(Debug, thiserror::Error)]
#[error("the password cannot be hashed: {0}")]
pub struct PasswordError(String);

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn nothing_prints_a_secret() {
        let secret = Secret::random(&Sevens);
        let stored = [
            StoredSecret::Digest(secret.digest()),
            StoredSecret::Password("$argon2id$v=19$".into()),
            StoredSecret::Key(b"hunter2hunter2".to_vec()),
        ];
        let text = format!("{secret:?} {:?} {stored:?}", secret.digest());
        assert!(!text.contains(secret.expose()) && !text.contains("v=19") && !text.contains("104"), "{text}");
    }

    #[test]
    fn passwords_verify_only_themselves() {
        let stored = hash_password("correct horse", &Sevens).unwrap();
        assert!(stored.verify_password("correct horse"));
        assert!(!stored.verify_password("correct horsf"));
        assert!(!StoredSecret::Digest(Digest::of("correct horse")).verify_password("correct horse"));
    }

    #[test]
    fn stored_secrets_read_what_they_write() {
        for secret in [StoredSecret::Digest(Digest::of("a")), StoredSecret::Key(vec![1, 2])] {
            assert_eq!(StoredSecret::read(secret.algorithm(), secret.value()), Some(secret));
        }
        assert_eq!(StoredSecret::read("none", &[]), None);
        assert_eq!(StoredSecret::read("sha256", &[1]), None);
    }
}
