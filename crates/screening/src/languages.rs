//! Languages: their codes, what a browser says of them, and where they are spoken.
//!
//! The table of countries names official languages, those of large minorities and those that most people use in business
//! or school; a foreign language that many have learnt is not among them.

use crate::params::{Params, Special, check_list};
use serde_json::{Value, json};
use std::fmt;
use tollgate_domain::{Country, Invalid};

/// ISO 639-1, and the longer codes that browsers send.
const CODES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv \
    dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it \
    iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb \
    nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss \
    st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu \
    bho ceb ckb fil gsw haw hmn ilo kab kok mai mni nds nso prs tpi tzm yue zgh";

/// Codes that mean the same, the second as it is compared.
const ALIASES: &[(&str, &str)] = &[
    ("in", "id"),
    ("iw", "he"),
    ("ji", "yi"),
    ("mo", "ro"),
    ("nb", "no"),
    ("nn", "no"),
    ("prs", "fa"),
    ("sh", "sr"),
    ("tl", "fil"),
    ("yue", "zh"),
    ("zgh", "tzm"),
];

/// The languages of each country, by its code.
const SPOKEN: &[(&str, &str)] = &[
    ("AD", "ca es fr pt"),
    ("AE", "ar en hi ur ml fa"),
    ("AF", "fa ps uz"),
    ("AG", "en"),
    ("AI", "en"),
    ("AL", "sq el"),
    ("AM", "hy ru"),
    ("AO", "pt ln"),
    ("AQ", ""),
    ("AR", "es gn"),
    ("AS", "sm en"),
    ("AT", "de hr hu sl sr tr"),
    ("AU", "en zh ar vi it el"),
    ("AW", "nl es"),
    ("AX", "sv fi"),
    ("AZ", "az ru"),
    ("BA", "bs hr sr"),
    ("BB", "en"),
    ("BD", "bn en"),
    ("BE", "nl fr de"),
    ("BF", "fr ff"),
    ("BG", "bg tr"),
    ("BH", "ar en"),
    ("BI", "rn fr en sw"),
    ("BJ", "fr yo"),
    ("BL", "fr"),
    ("BM", "en pt"),
    ("BN", "ms en zh"),
    ("BO", "es qu ay gn"),
    ("BQ", "nl en es"),
    ("BR", "pt"),
    ("BS", "en ht"),
    ("BT", "dz ne en"),
    ("BV", "no"),
    ("BW", "en tn"),
    ("BY", "be ru"),
    ("BZ", "en es"),
    ("CA", "en fr zh pa es iu"),
    ("CC", "en ms"),
    ("CD", "fr ln sw kg lu"),
    ("CF", "fr sg"),
    ("CG", "fr ln"),
    ("CH", "de fr it rm gsw pt sq sr"),
    ("CI", "fr"),
    ("CK", "en"),
    ("CL", "es"),
    ("CM", "fr en ff"),
    ("CN", "zh bo ug mn ii za ko"),
    ("CO", "es"),
    ("CR", "es"),
    ("CU", "es"),
    ("CV", "pt"),
    ("CW", "nl es en"),
    ("CX", "en zh ms"),
    ("CY", "el tr en ru"),
    ("CZ", "cs sk uk vi"),
    ("DE", "de tr ru ar pl uk"),
    ("DJ", "fr ar so aa"),
    ("DK", "da fo kl de"),
    ("DM", "en fr"),
    ("DO", "es ht"),
    ("DZ", "ar fr kab tzm"),
    ("EC", "es qu"),
    ("EE", "et ru uk"),
    ("EG", "ar"),
    ("EH", "ar es"),
    ("ER", "ti ar en"),
    ("ES", "es ca gl eu ar ro"),
    ("ET", "am om ti so aa en"),
    ("FI", "fi sv ru et se"),
    ("FJ", "en fj hi"),
    ("FK", "en"),
    ("FM", "en"),
    ("FO", "fo da"),
    ("FR", "fr ar br oc eu ca co pt"),
    ("GA", "fr"),
    ("GB", "en cy gd ga pl pa ur"),
    ("GD", "en fr"),
    ("GE", "ka ru az hy ab os"),
    ("GF", "fr ht pt"),
    ("GG", "en fr"),
    ("GH", "en ak ee tw ha"),
    ("GI", "en es"),
    ("GL", "kl da"),
    ("GM", "en ff wo"),
    ("GN", "fr ff"),
    ("GP", "fr ht"),
    ("GQ", "es fr pt"),
    ("GR", "el sq en"),
    ("GS", "en"),
    ("GT", "es"),
    ("GU", "en ch fil"),
    ("GW", "pt ff"),
    ("GY", "en hi"),
    ("HK", "zh en fil id"),
    ("HM", "en"),
    ("HN", "es"),
    ("HR", "hr sr it"),
    ("HT", "ht fr"),
    ("HU", "hu de ro sk"),
    ("ID", "id jv su ms zh"),
    ("IE", "en ga pl"),
    ("IL", "he ar ru en am"),
    ("IM", "en gv"),
    ("IN", "hi en bn te mr ta ur gu kn ml or pa as mai sa ne sd ks kok bho mni"),
    ("IO", "en"),
    ("IQ", "ar ku ckb"),
    ("IR", "fa az ku ckb ar"),
    ("IS", "is pl da"),
    ("IT", "it de fr sc sl ro ar sq"),
    ("JE", "en fr pt"),
    ("JM", "en"),
    ("JO", "ar en"),
    ("JP", "ja"),
    ("KE", "sw en ki so om"),
    ("KG", "ky ru uz"),
    ("KH", "km"),
    ("KI", "en"),
    ("KM", "ar fr sw"),
    ("KN", "en"),
    ("KP", "ko"),
    ("KR", "ko"),
    ("KW", "ar en hi"),
    ("KY", "en"),
    ("KZ", "kk ru uz uk"),
    ("LA", "lo"),
    ("LB", "ar fr en hy"),
    ("LC", "en fr"),
    ("LI", "de gsw"),
    ("LK", "si ta en"),
    ("LR", "en"),
    ("LS", "st en zu"),
    ("LT", "lt ru pl"),
    ("LU", "lb fr de pt"),
    ("LV", "lv ru"),
    ("LY", "ar"),
    ("MA", "ar fr tzm es"),
    ("MC", "fr it en"),
    ("MD", "ro ru uk"),
    ("ME", "sr bs hr sq"),
    ("MF", "fr en"),
    ("MG", "mg fr"),
    ("MH", "en mh"),
    ("MK", "mk sq tr sr"),
    ("ML", "fr bm ff ar"),
    ("MM", "my en"),
    ("MN", "mn kk"),
    ("MO", "zh pt en"),
    ("MP", "en ch fil zh"),
    ("MQ", "fr"),
    ("MR", "ar fr ff wo"),
    ("MS", "en"),
    ("MT", "mt en it"),
    ("MU", "en fr"),
    ("MV", "dv en"),
    ("MW", "en ny"),
    ("MX", "es"),
    ("MY", "ms en zh ta"),
    ("MZ", "pt ts sw"),
    ("NA", "en af de kj ng hz"),
    ("NC", "fr"),
    ("NE", "fr ha ff"),
    ("NF", "en"),
    ("NG", "en ha ig yo ff"),
    ("NI", "es en"),
    ("NL", "nl fy tr ar pl"),
    ("NO", "no se pl"),
    ("NP", "ne mai bho"),
    ("NR", "na en"),
    ("NU", "en"),
    ("NZ", "en mi zh sm"),
    ("OM", "ar en"),
    ("PA", "es en"),
    ("PE", "es qu ay"),
    ("PF", "fr ty"),
    ("PG", "en tpi ho"),
    ("PH", "fil en ceb ilo es"),
    ("PK", "ur en pa sd ps"),
    ("PL", "pl uk de"),
    ("PM", "fr"),
    ("PN", "en"),
    ("PR", "es en"),
    ("PS", "ar he"),
    ("PT", "pt uk"),
    ("PW", "en ja"),
    ("PY", "es gn"),
    ("QA", "ar en hi ur"),
    ("RE", "fr"),
    ("RO", "ro hu de"),
    ("RS", "sr hu bs sq hr"),
    ("RU", "ru tt ba ce cv os uk av"),
    ("RW", "rw en fr sw"),
    ("SA", "ar en ur"),
    ("SB", "en"),
    ("SC", "fr en"),
    ("SD", "ar en"),
    ("SE", "sv fi ar se"),
    ("SG", "en zh ms ta"),
    ("SH", "en"),
    ("SI", "sl hu it hr sr"),
    ("SJ", "no ru"),
    ("SK", "sk hu cs uk"),
    ("SL", "en"),
    ("SM", "it"),
    ("SN", "fr wo ff"),
    ("SO", "so ar en"),
    ("SR", "nl hi jv"),
    ("SS", "en ar"),
    ("ST", "pt"),
    ("SV", "es"),
    ("SX", "nl en es"),
    ("SY", "ar ku hy"),
    ("SZ", "ss en"),
    ("TC", "en ht"),
    ("TD", "fr ar"),
    ("TF", "fr"),
    ("TG", "fr ee"),
    ("TH", "th"),
    ("TJ", "tg ru uz fa"),
    ("TK", "en"),
    ("TL", "pt id"),
    ("TM", "tk ru uz"),
    ("TN", "ar fr"),
    ("TO", "to en"),
    ("TR", "tr ku ar"),
    ("TT", "en hi"),
    ("TV", "en"),
    ("TW", "zh vi id"),
    ("TZ", "sw en"),
    ("UA", "uk ru"),
    ("UG", "en sw lg"),
    ("UM", "en"),
    ("US", "en es zh vi fil ko haw"),
    ("UY", "es pt"),
    ("UZ", "uz ru tg"),
    ("VA", "it la"),
    ("VC", "en"),
    ("VE", "es"),
    ("VG", "en es"),
    ("VI", "en es"),
    ("VN", "vi zh hmn"),
    ("VU", "bi en fr"),
    ("WF", "fr"),
    ("WS", "sm en"),
    ("XK", "sq sr bs tr"),
    ("YE", "ar"),
    ("YT", "fr"),
    ("ZA", "en af zu xh st tn ts ss ve nr nso"),
    ("ZM", "en ny"),
    ("ZW", "en sn nd"),
];

/// A language, perhaps as it is spoken in one country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Language {
    /// Two or three lower-case letters.
    code: [u8; 3],
    /// Two upper-case letters, zeros for none.
    region: [u8; 2],
}

impl Language {
    /// The language of a tag as browsers send it: `de`, `de-AT`, `zh-Hant-TW`, `en_US`.
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        let mut parts = tag.split(['-', '_']);
        let code = code(parts.next()?)?;
        let region = parts.find(|part| part.len() == 2).and_then(|part| {
            let region: [u8; 2] = part.as_bytes().try_into().ok()?;
            region.iter().all(u8::is_ascii_alphabetic).then(|| region.map(|byte| byte.to_ascii_uppercase()))
        });
        Some(Self { code, region: region.unwrap_or_default() })
    }

    /// The language, wherever it is spoken.
    pub(crate) fn anywhere(self) -> Self {
        Self { region: [0; 2], ..self }
    }

    /// Whether it is spoken in a country; `None` when nothing is known of that.
    pub(crate) fn is_spoken_in(self, country: &str) -> Option<bool> {
        let place = SPOKEN.binary_search_by(|(known, _)| (*known).cmp(country)).ok()?;
        let mut spoken = SPOKEN[place].1.split_ascii_whitespace().peekable();
        spoken.peek()?;
        Some(spoken.any(|known| code(known) == Some(self.code)))
    }
}

/// As a list names it: `de`, `pt-BR`.
impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters =
            |bytes: &'_ [u8]| bytes.iter().filter(|b| **b != 0).map(|b| char::from(*b)).collect::<String>();
        f.write_str(&letters(&self.code))?;
        match self.region {
            [0, 0] => Ok(()),
            region => write!(f, "-{}", letters(&region)),
        }
    }
}

/// A code of two or three letters, as it is compared.
fn code(text: &str) -> Option<[u8; 3]> {
    let bytes = text.as_bytes();
    if !(2..=3).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_alphabetic) {
        return None;
    }
    let padded = |text: &[u8]| {
        let mut code = [0; 3];
        code.iter_mut().zip(text).for_each(|(to, from)| *to = from.to_ascii_lowercase());
        code
    };
    let code = padded(bytes);
    let alias = ALIASES.iter().find(|(from, _)| padded(from.as_bytes()) == code);
    Some(alias.map_or(code, |(_, to)| padded(to.as_bytes())))
}

/// A language that a browser accepts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accepted<'a> {
    /// The tag as sent.
    pub(crate) tag: &'a str,
    pub(crate) language: Language,
    /// Above 0 and up to 1; the greatest is the user's own language.
    weight: f32,
}

/// The languages of an `Accept-Language` value. What is no language, or not accepted, is left out.
pub(crate) fn accepted(value: &str) -> impl Iterator<Item = Accepted<'_>> {
    value.split(',').filter_map(|item| {
        let mut parts = item.split(';');
        let tag = parts.next()?.trim();
        let language = Language::of_tag(tag)?;
        let weight = parts.find_map(|part| part.trim().strip_prefix("q="));
        // What does not parse says nothing about preference.
        let weight = weight.and_then(|text| text.trim().parse::<f32>().ok()).unwrap_or(1.0).min(1.0);
        (weight > 0.0).then_some(Accepted { tag, language, weight })
    })
}

/// The user's own language: the most preferred one, the first among equals.
pub(crate) fn preferred(value: &str) -> Option<Accepted<'_>> {
    accepted(value).reduce(|best, next| if next.weight > best.weight { next } else { best })
}

/// A parameter: a list of languages such as `de` or `pt-BR`; absent is empty.
pub(crate) struct Languages {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
}

/// The most that a list may hold.
const MAX_ITEMS: usize = 1000;

impl Languages {
    /// The listed languages, in order.
    pub(crate) fn of(&self, params: &Params<'_>) -> Box<[Language]> {
        let items = params.value(self.name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut languages: Vec<_> =
            items.iter().filter_map(Value::as_str).filter_map(Language::of_tag).collect();
        languages.sort_unstable();
        languages.into()
    }
}

impl Special for Languages {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn check(&self, path: &str, value: &Value, errors: &mut Vec<Invalid>) {
        check_list(path, value, MAX_ITEMS, errors, |text| {
            let (code, region) =
                text.split_once('-').map_or((text, None), |(code, region)| (code, Some(region)));
            let known = !code.is_empty() && CODES.split_ascii_whitespace().any(|known| known == code);
            let legal = known && region.is_none_or(|region| region.parse::<Country>().is_ok());
            (!legal).then(|| "must be an ISO 639 language code, alone or with a country: de, pt-BR".into())
        });
    }

    fn schema(&self) -> Value {
        let codes: Vec<_> = CODES.split_ascii_whitespace().collect();
        let countries: Vec<_> = Country::all().map(|country| country.to_string()).collect();
        let pattern = format!("^({})(-({}))?$", codes.join("|"), countries.join("|"));
        json!({
            "type": "array", "items": {"type": "string", "pattern": pattern}, "maxItems": MAX_ITEMS,
            "default": [],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_country_has_its_languages() {
        let countries: Vec<_> = Country::all().map(|country| country.to_string()).collect();
        assert!(SPOKEN.iter().map(|(country, _)| *country).eq(countries.iter().map(String::as_str)));
        for (country, languages) in SPOKEN {
            for language in languages.split_ascii_whitespace() {
                let known = CODES.split_ascii_whitespace().any(|code| code == language);
                assert!(known, "{language} of {country}");
            }
        }
        assert_eq!(Language::of_tag("de").unwrap().is_spoken_in("AQ"), None, "nobody lives there");
        assert_eq!(Language::of_tag("de").unwrap().is_spoken_in("ZZ"), None);
        assert_eq!(Language::of_tag("nb").unwrap().is_spoken_in("NO"), Some(true));
        assert_eq!(Language::of_tag("tl-PH").unwrap().is_spoken_in("PH"), Some(true));
        assert_eq!(Language::of_tag("vi").unwrap().is_spoken_in("BR"), Some(false));
    }

    #[test]
    fn tags_are_read_as_browsers_write_them() {
        let tag = |text: &str| Language::of_tag(text);
        assert_eq!(tag("EN_us"), tag("en-US"));
        assert_eq!(tag("zh-Hant-TW").unwrap().region, *b"TW");
        assert_eq!(tag("es-419").unwrap(), tag("es").unwrap());
        assert_eq!(tag("iw"), tag("he"));
        for text in ["", "*", "e", "engl", "1a", "é", "-DE"] {
            assert_eq!(tag(text), None, "{text}");
        }
    }

    #[test]
    fn the_users_own_language_is_the_most_preferred() {
        let own = |value: &'static str| preferred(value).map(|accepted| accepted.tag);
        assert_eq!(own("de-DE,de;q=0.9,en;q=0.8"), Some("de-DE"));
        assert_eq!(own("en;q=0.5, fr ; q=0.7,*"), Some("fr"));
        assert_eq!(own("en;q=0, de;q=0.1"), Some("de"), "0 is not accepted");
        assert_eq!(own("en,de"), Some("en"), "the first among equals");
        assert_eq!(own("en;q=0.9,de;q=x"), Some("de"));
        assert_eq!(own("en;q=NaN"), Some("en"));
        assert_eq!(own("*, ,;;;,=,"), None);
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_read(value in "[-a-zA-Z,;=q0-9. *_é\u{0}]{0,80}", anything: String) {
            for value in [&value, &anything] {
                let all: Vec<_> = accepted(value).collect();
                prop_assert!(all.iter().all(|one| one.weight > 0.0 && one.weight <= 1.0 && value.contains(one.tag)));
                prop_assert_eq!(preferred(value).is_some(), !all.is_empty());
            }
        }
    }
}
