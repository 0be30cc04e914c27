//! The settings of S3-compatible storage, which belong together.

use super::S3Config;
use super::layers::Layers;
use tollgate_domain::web_address;
use tollgate_jobs::exports::BucketOptions;

/// What nothing but the bucket's name makes sense of.
const WITH_BUCKET: &[&str] = &[
    "exports_s3_prefix",
    "exports_s3_region",
    "exports_s3_endpoint",
    "exports_s3_plain_http",
    "exports_s3_access_key_id",
    "exports_s3_secret_access_key",
    "exports_s3_session_token",
];

impl Layers {
    /// The bucket that files of exports go to, when there is one.
    pub(super) fn exports_s3(&mut self) -> Option<S3Config> {
        let bucket = self.text("exports_s3_bucket", None);
        let prefix = self.text("exports_s3_prefix", Some("tollgate-exports")).unwrap_or_default();
        let region = self.text("exports_s3_region", Some("us-east-1")).unwrap_or_default();
        let endpoint = self.text("exports_s3_endpoint", None);
        let plain_http = self.flag("exports_s3_plain_http", false);
        let access_key_id = self.text("exports_s3_access_key_id", None);
        let secret_access_key = self.text("exports_s3_secret_access_key", None);
        let session_token = self.text("exports_s3_session_token", None);
        let Some(bucket) = bucket else {
            let given = WITH_BUCKET.iter().filter(|name| self.values.contains_key(*name));
            self.errors.extend(given.map(|name| format!("{name}: needs exports_s3_bucket")));
            return None;
        };
        if self.values.contains_key("exports_dir") {
            self.errors
                .push("exports_s3_bucket: exports_dir names another place; give one of them".to_owned());
        }
        self.check("exports_s3_bucket", is_bucket(&bucket), "must be the name of a bucket");
        self.check("exports_s3_region", is_plain(&region, ""), "must be a region as in eu-central-1");
        let is_prefix = prefix.split('/').all(|part| is_plain(part, "._") && part != "." && part != "..");
        self.check(
            "exports_s3_prefix",
            is_prefix,
            "must be letters, digits and - _ . with single slashes between them",
        );
        let endpoint = endpoint.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let address = endpoint.trim_end_matches('/').to_owned();
        let is_address = web_address::parse(&address).is_ok() && !address.contains(['?', '#', '@', '{', '}']);
        self.check(
            "exports_s3_endpoint",
            is_address,
            "must be an address as in https://storage.example.com:9000",
        );
        let is_secure = address.starts_with("https://") || plain_http;
        self.check("exports_s3_endpoint", is_secure, "must be https; exports_s3_plain_http allows http");
        for (name, given) in [("access_key_id", &access_key_id), ("secret_access_key", &secret_access_key)] {
            self.check("exports_s3_bucket", given.is_some(), &format!("needs exports_s3_{name} as well"));
        }
        let bucket = BucketOptions {
            endpoint: address,
            region,
            bucket,
            prefix,
            access_key_id: access_key_id?,
            secret_access_key: secret_access_key?,
            session_token,
        };
        Some(S3Config { bucket, plain_http })
    }

    fn check(&mut self, name: &str, is_right: bool, what: &str) {
        if !is_right {
            self.errors.push(format!("{name}: {what}"));
        }
    }
}

/// Whether a text is made of ASCII letters, digits, hyphens and `more`.
fn is_plain(text: &str, more: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || more.contains(c))
}

fn is_bucket(name: &str) -> bool {
    (3..=63).contains(&name.len()) && is_plain(name, "._") && !name.starts_with('.')
}
