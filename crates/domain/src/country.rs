//! ISO 3166-1 alpha-2 country codes.

use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A country by its upper-case ISO 3166-1 alpha-2 code. Only assigned codes exist (plus `XK`, which geo data uses
/// for Kosovo).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

/// Assigned codes in alphabetical order.
const CODES: &[u8] = b"ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZ\
CACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGY\
HKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMR\
MSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSS\
STSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZW";
/// The three-letter codes of the same countries, in the same order.
const LONG_CODES: &[u8] = b"ANDAREAFGATGAIAALBARMAGOATAARGASMAUTAUSABWALAAZEBIHBRBBGDBELBFABGRBHRBDIBENBLMBMUBRNBOLBESBRABHSBTNBVTBWABLRBLZCAN\
CCKCODCAFCOGCHECIVCOKCHLCMRCHNCOLCRICUBCPVCUWCXRCYPCZEDEUDJIDNKDMADOMDZAECUESTEGYESHERIESPETHFINFJIFLKFSMFROFRAGAB\
GBRGRDGEOGUFGGYGHAGIBGRLGMBGINGLPGNQGRCSGSGTMGUMGNBGUYHKGHMDHNDHRVHTIHUNIDNIRLISRIMNINDIOTIRQIRNISLITAJEYJAMJORJPN\
KENKGZKHMKIRCOMKNAPRKKORKWTCYMKAZLAOLBNLCALIELKALBRLSOLTULUXLVALBYMARMCOMDAMNEMAFMDGMHLMKDMLIMMRMNGMACMNPMTQMRTMSR\
MLTMUSMDVMWIMEXMYSMOZNAMNCLNERNFKNGANICNLDNORNPLNRUNIUNZLOMNPANPERPYFPNGPHLPAKPOLSPMPCNPRIPSEPRTPLWPRYQATREUROUSRB\
RUSRWASAUSLBSYCSDNSWESGPSHNSVNSJMSVKSLESMRSENSOMSURSSDSTPSLVSXMSYRSWZTCATCDATFTGOTHATJKTKLTLSTKMTUNTONTURTTOTUVTWN\
TZAUKRUGAUMIUSAURYUZBVATVCTVENVGBVIRVNMVUTWLFWSMXKXYEMMYTZAFZMBZWE";

impl Country {
    /// The upper-case code.
    pub fn as_str(&self) -> &str {
        // Only ASCII upper-case letters of the table get in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The ISO 3166-1 alpha-3 code; `XKX` for Kosovo.
    pub fn alpha_3(&self) -> &'static str {
        let (codes, _) = CODES.as_chunks::<2>();
        let long = codes.binary_search(&self.0).ok().and_then(|at| LONG_CODES.as_chunks::<3>().0.get(at));
        // Only ASCII letters stand in the table.
        long.and_then(|code| std::str::from_utf8(code).ok()).unwrap_or_default()
    }

    /// The country of an upper-case code, or `None` when it is not assigned.
    pub fn from_code(code: [u8; 2]) -> Option<Self> {
        let (codes, _) = CODES.as_chunks::<2>();
        codes.binary_search(&code).ok().map(|_| Self(code))
    }

    /// All countries, in alphabetical order of their codes.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES.as_chunks::<2>().0.iter().map(|code| Self(*code))
    }
}

impl FromStr for Country {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        <[u8; 2]>::try_from(text.as_bytes())
            .ok()
            .and_then(Self::from_code)
            .ok_or_else(|| Invalid::new("country", "must be an upper-case ISO 3166-1 alpha-2 code"))
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Country {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_complete() {
        let all: Vec<_> = Country::all().collect();
        assert_eq!(all.len(), 250, "249 assigned codes and XK");
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn every_country_has_a_long_code_of_its_own() {
        let mut long: Vec<_> = Country::all().map(|country| country.alpha_3()).collect();
        assert!(long.iter().all(|code| code.len() == 3));
        long.sort_unstable();
        long.dedup();
        assert_eq!(long.len(), 250);
        for (short, code) in
            [("AD", "AND"), ("DE", "DEU"), ("CH", "CHE"), ("XK", "XKX"), ("ZW", "ZWE"), ("US", "USA")]
        {
            assert_eq!(short.parse::<Country>().unwrap().alpha_3(), code);
        }
    }

    #[test]
    fn only_assigned_upper_case_codes_parse() {
        assert_eq!("DE".parse::<Country>().unwrap().to_string(), "DE");
        for text in ["de", "XX", "D", "DEU", "", "É"] {
            assert!(text.parse::<Country>().is_err(), "{text}");
        }
    }
}
