//! What is said about a file's version and licence: in `<file>.license`, in `LICENSES.md`, or in its own first lines.

use std::fs;
use std::path::Path;

/// Version and licence, as far as something says so.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) version: Option<String>,
    pub(crate) licence: Option<String>,
}

/// Looks for the notes about the file `name` within `dir` that holds `bytes`.
pub(super) fn said_about(dir: &Path, name: &str, sha256: &str, bytes: &[u8]) -> Said {
    let own = fs::read_to_string(dir.join(format!("{name}.license"))).map(|text| from_lines(&text, false));
    let listed = || {
        let text = fs::read_to_string(dir.join("LICENSES.md")).ok()?;
        from_index(&text, name, sha256)
    };
    let head = || {
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]);
        if head.starts_with('#') { from_lines(&head, true) } else { Said::default() }
    };
    own.ok().or_else(listed).unwrap_or_else(head)
}

/// `Licence: MIT` and the like on lines of their own; in a data file only its comments are read.
fn from_lines(text: &str, comments_only: bool) -> Said {
    let mut said = Said::default();
    for line in text.lines().take(40) {
        if comments_only && !line.starts_with('#') {
            break;
        }
        let Some((label, value)) = line.trim_start_matches(['#', ' ']).split_once(':') else { continue };
        let value = || Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        match label.trim().to_ascii_lowercase().as_str() {
            "licence" | "license" | "spdx-license-identifier" => said.licence = said.licence.or_else(value),
            "version" | "spdx-packageversion" | "packageversion" => {
                said.version = said.version.or_else(value)
            }
            _ => {}
        }
    }
    said
}

/// The section of `LICENSES.md` (as `make data` writes it) whose table names the file with this digest.
fn from_index(text: &str, name: &str, sha256: &str) -> Option<Said> {
    let row = format!("| `{name}` | {sha256} |");
    let section =
        text.split("\n## ").skip(1).find(|section| section.lines().any(|line| line.trim() == row))?;
    let version = section.lines().next().map(str::trim).map(str::to_owned);
    let licence = section.split_once("Licence: ").map(|(_, rest)| {
        let end = rest.find(". ").or_else(|| rest.find(".\n")).unwrap_or(rest.len());
        rest[..end].lines().next().unwrap_or_default().to_owned()
    });
    Some(Said { version, licence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_speaks_only_of_the_bytes_it_lists() {
        let text = "# Licences\n\n## tor-geoipdb 0.4.9\n\nDebian package. Licence: CC BY-SA 4.0 (https://creativecommons.org/). Taken over.\n\n| file | SHA-256 |\n|---|---|\n| `geo/geoip` | abc |\n";
        let said = from_index(text, "geo/geoip", "abc").unwrap();
        assert_eq!(said.version.as_deref(), Some("tor-geoipdb 0.4.9"));
        assert_eq!(said.licence.as_deref(), Some("CC BY-SA 4.0 (https://creativecommons.org/)"));
        assert_eq!(from_index(text, "geo/geoip", "other"), None);
    }

    #[test]
    fn a_header_or_a_note_beside_the_file_is_read() {
        let said = from_lines("# Database\n# License: CC BY-SA 4.0\n1,2,AU\nversion: 9\n", true);
        assert_eq!(said, Said { version: None, licence: Some("CC BY-SA 4.0".into()) });
        let said = from_lines("SPDX-License-Identifier: MIT\nVersion: 7\n", false);
        assert_eq!(said, Said { version: Some("7".into()), licence: Some("MIT".into()) });
    }
}
