//! The configuration through its door: layers, errors, what is printed.

use super::*;

const DEFAULTS: Defaults = Defaults { data_dir: None, log: "info" };

fn load(file: Option<&str>, variables: &[(&str, &str)], flags: Flags) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.toml");
    let mut flags = flags;
    if let Some(text) = file {
        std::fs::write(&path, text).unwrap();
        flags.file = Some(path);
    }
    let variables =
        variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect();
    Config::from_parts(&flags, variables, DEFAULTS).map_err(|failure| failure.message)
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let file = "listen = \"127.0.0.1:1\"\ncores = 1\nlog = \"warn\"\ntrusted_proxies = [\"10.0.0.0/8\"]\n";
    let variables = [
        ("TOLLGATE_LISTEN", "127.0.0.1:2"),
        ("TOLLGATE_CORES", "2"),
        ("TOLLGATE_TRUSTED_PROXIES", "::1, 10.1.0.0/16"),
    ];
    let flags = Flags::default().with("listen", Some("127.0.0.1:3"));
    let config = load(Some(file), &variables, flags).unwrap();
    assert_eq!((config.listen.port(), config.cores, config.log.as_str()), (3, 2, "warn"));
    assert_eq!(config.trusted_proxies.len(), 2);
    assert!(config.printed().contains("(from --listen)\nlisten = \"127.0.0.1:3\""), "{}", config.printed());
    assert!(config.printed().contains("(from TOLLGATE_CORES)\ncores = 2"));
}

#[test]
fn every_error_is_told_at_once_with_its_place() {
    let file = "listem = 1\ncores = 0\n";
    let error = load(
        Some(file),
        &[("TOLLGATE_ADMIN_LISTEN", "nowhere"), ("TOLLGATE_LOG_FORMAT", "xml")],
        Flags::default(),
    );
    let error = error.unwrap_err();
    for part in
        ["listem is not a setting", "cores (from", "admin_listen (from TOLLGATE_ADMIN_LISTEN)", "log_format"]
    {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(load(Some("cores = ["), &[], Flags::default()).unwrap_err().contains("t.toml"));
}

#[test]
fn a_certificate_needs_its_key_and_an_address_of_its_own() {
    let told = |variables: &[(&str, &str)]| load(None, variables, Flags::default());
    let tls = told(&[("TOLLGATE_TLS_CERT", "c.pem"), ("TOLLGATE_TLS_KEY", "k.pem")]).unwrap().tls.unwrap();
    assert_eq!((tls.listen.port(), tls.files.key), (8443, PathBuf::from("k.pem")));
    assert!(told(&[]).unwrap().tls.is_none());
    for (variables, expected) in [
        (&[("TOLLGATE_TLS_CERT", "c")][..], "tls_cert: needs tls_key as well"),
        (&[("TOLLGATE_TLS_KEY", "k")], "tls_key: needs tls_cert as well"),
        (&[("TOLLGATE_TLS_LISTEN", "127.0.0.1:1")], "tls_listen: needs tls_cert and tls_key"),
        (
            &[
                ("TOLLGATE_TLS_CERT", "c"),
                ("TOLLGATE_TLS_KEY", "k"),
                ("TOLLGATE_TLS_LISTEN", "127.0.0.1:8080"),
            ],
            "tls_listen: 127.0.0.1:8080 is already the address of listen",
        ),
    ] {
        assert_eq!(told(variables).unwrap_err(), expected);
    }
}

#[test]
fn a_bucket_needs_keys_and_https() {
    let all = [
        ("TOLLGATE_EXPORTS_S3_BUCKET", "files"),
        ("TOLLGATE_EXPORTS_S3_ACCESS_KEY_ID", "a"),
        ("TOLLGATE_EXPORTS_S3_SECRET_ACCESS_KEY", "b"),
    ];
    let told = |more: &[(&str, &str)]| load(None, &[&all, more].concat(), Flags::default());
    let usual = told(&[("TOLLGATE_EXPORTS_S3_REGION", "eu-central-1")]).unwrap().exports_s3.unwrap();
    assert_eq!(usual.bucket.endpoint, "https://s3.eu-central-1.amazonaws.com");
    assert_eq!((usual.bucket.prefix.as_str(), usual.plain_http), ("tollgate-exports", false));
    assert!(!format!("{usual:?}").contains("\"b\""));
    let near = ("TOLLGATE_EXPORTS_S3_ENDPOINT", "http://10.0.0.1:9000/");
    let near = told(&[near, ("TOLLGATE_EXPORTS_S3_PLAIN_HTTP", "true")]).unwrap().exports_s3.unwrap();
    assert_eq!((near.bucket.endpoint.as_str(), near.plain_http), ("http://10.0.0.1:9000", true));
    assert!(load(None, &[], Flags::default()).unwrap().exports_s3.is_none());
    for (name, value, expected) in [
        (
            "ENDPOINT",
            "http://10.0.0.1",
            "exports_s3_endpoint: must be https; exports_s3_plain_http allows http",
        ),
        ("ENDPOINT", "https://a:b@10.0.0.1", "exports_s3_endpoint: must be an address"),
        ("ENDPOINT", "files.example.com", "exports_s3_endpoint: must be an address"),
        ("BUCKET", "a/b", "exports_s3_bucket: must be the name of a bucket"),
        ("BUCKET", "", "exports_s3_access_key_id: needs exports_s3_bucket"),
        ("PREFIX", "a//b", "exports_s3_prefix: must be"),
        ("PREFIX", "a/../b", "exports_s3_prefix: must be"),
        ("REGION", "here?", "exports_s3_region: must be a region"),
        ("SECRET_ACCESS_KEY", "", "exports_s3_bucket: needs exports_s3_secret_access_key as well"),
    ] {
        let error = told(&[(&format!("TOLLGATE_EXPORTS_S3_{name}"), value)]).unwrap_err();
        assert!(error.contains(expected), "{name} {value}: {error}");
    }
    let both = told(&[("TOLLGATE_EXPORTS_DIR", "/x")]).unwrap_err();
    assert_eq!(both, "exports_s3_bucket: exports_dir names another place; give one of them");
}

#[test]
fn what_may_be_reached_and_how_often_is_a_setting() {
    let config =
        load(Some("outbound_allow = [\"10.0.0.0/8\"]\napp_ads_txt_hours = 0\n"), &[], Flags::default());
    let config = config.unwrap();
    assert_eq!((config.outbound_allow.len(), config.app_ads_txt_every), (1, None));
    let usual = load(None, &[], Flags::default()).unwrap();
    assert_eq!(usual.app_ads_txt_every, Some(Duration::from_secs(86_400)));
    assert!(usual.outbound_allow.is_empty() && !usual.outbound_plain_http);
    let plain = |text: &str| load(None, &[("TOLLGATE_OUTBOUND_PLAIN_HTTP", text)], Flags::default());
    assert!(plain("true").unwrap().outbound_plain_http);
    let refused = plain("yes").unwrap_err();
    assert_eq!(refused, "outbound_plain_http (from TOLLGATE_OUTBOUND_PLAIN_HTTP): must be true or false");
}

#[test]
fn secrets_are_never_printed() {
    let variables = [("TOLLGATE_API_KEY", "s3cret"), ("TOLLGATE_LISTN", "x")];
    let config = load(None, &variables, Flags::default()).unwrap();
    assert_eq!(config.strangers, ["TOLLGATE_LISTN"]);
    assert_eq!(config.api_key.as_deref(), Some("s3cret"));
    assert!(!config.printed().contains("s3cret"));
    assert!(config.printed().contains("api_key = \"[redacted]\""));
    let whole: toml::Table = config.printed().parse().unwrap();
    assert_eq!(whole.len(), KEYS.len(), "what is printed is a configuration file");
}
