//! How apps are named in the stores.

use super::Platform;

/// Most characters of a store's id or bundle.
const ID_LENGTH: usize = 255;
/// Most characters of an address.
const URL_LENGTH: usize = 2048;

impl Platform {
    /// Whether `text` can be an app's id in this platform's store.
    pub fn is_store_app_id(self, text: &str) -> bool {
        match self {
            Self::Ios => (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()),
            Self::Android => is_bundle_id(text) && text.contains('.') && !text.contains('-'),
            Self::Amazon => {
                text.len() == 10
                    && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            }
        }
    }

    /// The same as a pattern for schemas.
    pub const fn store_app_id_pattern(self) -> &'static str {
        match self {
            Self::Ios => "^[0-9]{1,20}$",
            Self::Android => r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)+$",
            Self::Amazon => "^[A-Z0-9]{10}$",
        }
    }

    /// What such an id looks like, for messages.
    pub const fn store_app_id_form(self) -> &'static str {
        match self {
            Self::Ios => "must be the App Store's number, such as 1234567890",
            Self::Android => "must be the package on Google Play, such as com.example.app",
            Self::Amazon => "must be Amazon's ASIN, ten characters of A-Z and 0-9",
        }
    }
}

/// The same as [`is_bundle_id`] as a pattern for schemas, but for the length.
pub const BUNDLE_ID_PATTERN: &str = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$";

/// The same as [`is_store_url`] as a pattern for schemas, but for the length.
pub const STORE_URL_PATTERN: &str = concat!(
    "^https?://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?",
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:[0-9]{1,5})?",
    r"([/?#][^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*)?$",
);

/// Whether `text` can be a bundle id or package: 1 to 255 letters, digits, `_`, `-` in parts separated by dots.
pub fn is_bundle_id(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    text.len() <= ID_LENGTH && text.split('.').all(part)
}

/// Whether `text` is an `http` or `https` address with a host name, of at most 2,048 characters without white space.
pub fn is_store_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.chars().count() <= URL_LENGTH
        && host.split('.').all(label)
        && (1..=5).contains(&port.len())
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && !path.chars().any(|c| c.is_whitespace() || c.is_control())
}
