//! The arrow rule of the design, over the workspace as cargo sees it: arrows between crates point inwards only, and a
//! technology stays in the crate that owns it.
#![allow(missing_docs, clippy::unwrap_used)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// What each crate may import of the house.
const ARROWS: &[(&str, &[&str])] = &[
    ("tollgate-domain", &[]),
    ("tollgate-screening", &["tollgate-domain"]),
    ("tollgate-signals", &["tollgate-domain"]),
    ("tollgate-catalog", &["tollgate-domain"]),
    ("tollgate-ledger", &["tollgate-domain"]),
    ("tollgate-outbound", &[]),
    ("tollgate-rtb", &["tollgate-domain", "tollgate-outbound"]),
    ("tollgate-jobs", &["tollgate-domain", "tollgate-catalog", "tollgate-ledger", "tollgate-outbound"]),
    (
        "tollgate-intake",
        &["tollgate-domain", "tollgate-screening", "tollgate-signals", "tollgate-catalog", "tollgate-ledger"],
    ),
    (
        "tollgate-http",
        &[
            "tollgate-domain",
            "tollgate-screening",
            "tollgate-signals",
            "tollgate-catalog",
            "tollgate-ledger",
            "tollgate-intake",
            "tollgate-rtb",
            "tollgate-jobs",
        ],
    ),
    (
        "tollgate",
        &[
            "tollgate-domain",
            "tollgate-screening",
            "tollgate-screening",
            "tollgate-signals",
            "tollgate-catalog",
            "tollgate-ledger",
            "tollgate-intake",
            "tollgate-outbound",
            "tollgate-rtb",
            "tollgate-jobs",
            "tollgate-http",
        ],
    ),
];

/// Technologies by the beginning of their crates' names, and the crates that may import them.
const OWNERS: &[(&str, &[&str])] = &[
    ("arrow", &["tollgate-ledger"]),
    ("parquet", &["tollgate-ledger"]),
    ("sqlx", &["tollgate-catalog", "tollgate-jobs"]),
    ("axum", &["tollgate-http"]),
    ("hyper", &["tollgate-http", "tollgate-outbound"]),
    ("tower", &["tollgate-http"]),
    ("rustls", &["tollgate-http", "tollgate-outbound"]),
    ("tokio-rustls", &["tollgate-http", "tollgate-outbound"]),
    ("webpki", &["tollgate-outbound"]),
    ("object_store", &["tollgate-jobs"]),
    ("maxminddb", &["tollgate-signals"]),
    ("clap", &["tollgate"]),
    ("getrandom", &["tollgate"]),
];

/// Every crate of the workspace with its ordinary dependencies; those of tests and benches may go anywhere.
fn workspace() -> BTreeMap<String, Vec<String>> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let dependencies = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        all.filter(|dependency| dependency["kind"] != "dev").map(name).collect()
    };
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (name(package), dependencies(package)))
        .collect()
}

#[test]
fn arrows_point_inwards_only() {
    for (package, dependencies) in workspace() {
        let arrows = ARROWS.iter().find(|(known, _)| *known == package);
        let (_, allowed) =
            arrows.unwrap_or_else(|| panic!("{package} is new: give it its arrows in this test"));
        for dependency in dependencies.iter().filter(|name| name.starts_with("tollgate")) {
            assert!(allowed.contains(&dependency.as_str()), "{package} must not import {dependency}");
        }
    }
}

#[test]
fn a_technology_stays_in_its_room() {
    for (package, dependencies) in workspace() {
        for dependency in dependencies {
            // `arc-swap` begins like nothing here, and `http` is only the vocabulary.
            let owner = OWNERS.iter().find(|(prefix, _)| {
                dependency
                    .strip_prefix(prefix)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
            });
            if let Some((_, owners)) = owner {
                assert!(owners.contains(&package.as_str()), "{package} must not import {dependency}");
            }
        }
    }
}
