//! The IAB's app-ads.txt: a developer's public list of who may sell the ads in his apps.
//!
//! A line is a record of three or four fields, a variable, a comment, or broken. As the format asks, a broken line
//! costs only itself, domains and relationships are read without case, and account ids exactly as they stand.

use std::fmt;

/// Broken lines and variables of a file that are told one by one; more are only counted.
const TOLD: usize = 20;

/// How an account is allowed to sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relationship {
    /// The developer controls the account.
    Direct,
    /// The developer has authorized another to sell.
    Reseller,
}

/// One record: an ad system and the account in it that may sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SellerLine<'a> {
    /// The ad system's domain, as it is written.
    pub ad_system: &'a str,
    /// The seller's account id in the ad system.
    pub account: &'a str,
    /// How it may sell.
    pub relationship: Relationship,
    /// The ad system's id with a certification authority.
    pub authority: Option<&'a str>,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Neither a record nor a variable.
    #[error("must have three or four fields, separated by commas")]
    Fields,
    /// The first field.
    #[error("the first field must be the domain of an ad system, as in example.com")]
    AdSystem,
    /// The second field.
    #[error("the second field must be an account id")]
    Account,
    /// The third field.
    #[error("the third field must be DIRECT or RESELLER")]
    Relationship,
}

/// The names of variables that the format knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// Whom to ask about the file.
    Contact,
    /// Another host of the domain with a file of its own; means nothing for apps.
    Subdomain,
    /// A partner whose file speaks for part of the inventory.
    InventoryPartnerDomain,
    /// The domain of the business that owns the app.
    OwnerDomain,
    /// The domain of the business that manages its inventory, for a country perhaps.
    ManagerDomain,
}

impl Variable {
    const ALL: [Self; 5] = [
        Self::Contact,
        Self::Subdomain,
        Self::InventoryPartnerDomain,
        Self::OwnerDomain,
        Self::ManagerDomain,
    ];

    /// Its name, in capitals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contact => "CONTACT",
            Self::Subdomain => "SUBDOMAIN",
            Self::InventoryPartnerDomain => "INVENTORYPARTNERDOMAIN",
            Self::OwnerDomain => "OWNERDOMAIN",
            Self::ManagerDomain => "MANAGERDOMAIN",
        }
    }
}

impl<'a> SellerLine<'a> {
    /// Reads one record, without a comment.
    pub fn parse(line: &'a str) -> Result<Self, LineError> {
        // What follows a semicolon are extensions.
        let record = line.split(';').next().unwrap_or_default();
        let mut fields = record.split(',').map(trim);
        let (Some(ad_system), Some(account), Some(relationship)) =
            (fields.next(), fields.next(), fields.next())
        else {
            return Err(LineError::Fields);
        };
        let authority = fields.next().filter(|authority| !authority.is_empty());
        if fields.any(|field| !field.is_empty()) {
            return Err(LineError::Fields);
        }
        if !is_domain(ad_system) {
            return Err(LineError::AdSystem);
        }
        if account.is_empty() {
            return Err(LineError::Account);
        }
        let relationship = match relationship {
            text if text.eq_ignore_ascii_case("DIRECT") => Relationship::Direct,
            text if text.eq_ignore_ascii_case("RESELLER") => Relationship::Reseller,
            _ => return Err(LineError::Relationship),
        };
        Ok(Self { ad_system, account, relationship, authority })
    }

    /// Whether both say the same. The authority's id counts only where both name one.
    pub fn says(&self, other: &Self) -> bool {
        let authorities = self.authority.zip(other.authority);
        self.ad_system.eq_ignore_ascii_case(other.ad_system)
            && self.account == other.account
            && self.relationship == other.relationship
            && authorities.is_none_or(|(one, another)| one.eq_ignore_ascii_case(another))
    }
}

impl fmt::Display for SellerLine<'_> {
    /// As it stands in a file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relationship = match self.relationship {
            Relationship::Direct => "DIRECT",
            Relationship::Reseller => "RESELLER",
        };
        write!(f, "{}, {}, {relationship}", self.ad_system, self.account)?;
        self.authority.map_or(Ok(()), |authority| write!(f, ", {authority}"))
    }
}

/// A line that says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry<'a> {
    Seller(SellerLine<'a>),
    Variable(Variable, &'a str),
    /// A variable that the format does not know; it is to be passed over.
    Unknown,
    Broken(LineError),
}

/// What a file says, as far as someone asks who looks for lines of his own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppAds {
    /// Records that can be read.
    pub records: usize,
    /// Lines that are neither records nor variables nor comments.
    pub broken_lines: usize,
    /// The first of them: number, from 1, and what is wrong.
    pub broken: Vec<(usize, LineError)>,
    /// The first variables that the format knows, with their values.
    pub variables: Vec<(Variable, String)>,
    /// Which of the wanted lines the file has, in their order.
    pub found: Vec<bool>,
}

impl AppAds {
    /// Reads a file and looks for `wanted` in it. Takes time for each line and each wanted line.
    pub fn read(text: &str, wanted: &[SellerLine<'_>]) -> Self {
        let mut read = Self { found: vec![false; wanted.len()], ..Self::default() };
        for (index, line) in lines(text).enumerate() {
            match entry(line) {
                None | Some(Entry::Unknown) => {}
                Some(Entry::Seller(seller)) => {
                    read.records += 1;
                    for (found, wanted) in read.found.iter_mut().zip(wanted) {
                        *found |= seller.says(wanted);
                    }
                }
                Some(Entry::Variable(variable, value)) => {
                    if read.variables.len() < TOLD {
                        read.variables.push((variable, value.to_owned()));
                    }
                }
                Some(Entry::Broken(error)) => {
                    read.broken_lines += 1;
                    if read.broken.len() < TOLD {
                        read.broken.push((index + 1, error));
                    }
                }
            }
        }
        read
    }
}

/// The lines of a file, whichever way they end.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text.strip_prefix('\u{feff}').unwrap_or(text));
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\r', '\n']) else {
            rest = None;
            return Some(text);
        };
        let (line, after) = text.split_at(end);
        rest = after.strip_prefix("\r\n").or_else(|| after.get(1..));
        Some(line)
    })
}

fn entry(line: &str) -> Option<Entry<'_>> {
    let line = trim(line.split('#').next().unwrap_or_default());
    if line.is_empty() {
        return None;
    }
    if let Some((name, value)) = line.split_once('=') {
        let name = trim(name);
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_') {
            let known = Variable::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name));
            return Some(known.map_or(Entry::Unknown, |known| Entry::Variable(known, trim(value))));
        }
    }
    Some(SellerLine::parse(line).map_or_else(Entry::Broken, Entry::Seller))
}

/// Without blanks at both ends, also those without width that come along when text is copied.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}'))
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str, wanted: &str) -> bool {
        AppAds::read(text, &[SellerLine::parse(wanted).unwrap()]).found[0]
    }

    #[test]
    fn a_real_file_is_read_as_the_format_says() {
        let text = "\u{feff}# app-ads.txt of Example Games\r\n\
             ownerdomain = example.com\r\n\
             MANAGERDOMAIN=manager.example, US\r\n\
             subdomain=games.example.com\r\n\
             InventoryPartnerDomain=partner.example # ours\r\n\
             contact=mailto:ads@example.com\r\n\
             favourite_colour=blue\r\n\
             \r\n\
             \t Tollgate.Example ,\u{a0}Pub-1,direct # ours\r\n\
             tollgate.example, pub-2, RESELLER, f08c47fec0942fa0\r\n\
             tollgate.example,pub-3,DIRECT,f08c47fec0942fa0; ext=1, ext2\r\n\
             tollgate.example,pub-4,DIRECT,,\r\n\
             placeholder.example.com, placeholder, DIRECT, placeholder\r\n\
             only, two\r\n\
             nodomain, pub-1, DIRECT\r\n\
             tollgate.example, , DIRECT\r\n\
             tollgate.example, pub-5, BOTH\r\n\
             a.example, b, DIRECT, c, d\r\n";
        let read = AppAds::read(text, &[]);
        assert_eq!((read.records, read.broken_lines), (5, 5));
        use LineError::{Account, AdSystem, Fields, Relationship};
        assert_eq!(
            read.broken,
            [(14, Fields), (15, AdSystem), (16, Account), (17, Relationship), (18, Fields)]
        );
        let variables: Vec<_> =
            read.variables.iter().map(|(name, value)| (name.name(), value.as_str())).collect();
        assert_eq!(
            variables,
            [
                ("OWNERDOMAIN", "example.com"),
                ("MANAGERDOMAIN", "manager.example, US"),
                ("SUBDOMAIN", "games.example.com"),
                ("INVENTORYPARTNERDOMAIN", "partner.example"),
                ("CONTACT", "mailto:ads@example.com"),
            ]
        );
        for wanted in [
            "TOLLGATE.example,Pub-1,DIRECT",
            "tollgate.example, Pub-1, Direct, f08c47fec0942fa0",
            "tollgate.example, pub-2, reseller",
            "tollgate.example, pub-2, RESELLER, F08C47FEC0942FA0",
            "tollgate.example, pub-3, DIRECT",
            "tollgate.example, pub-4, DIRECT",
        ] {
            assert!(found(text, wanted), "{wanted}");
        }
        for wanted in [
            "tollgate.example, pub-1, DIRECT",
            "tollgate.example, pub-2, DIRECT",
            "tollgate.example, pub-2, RESELLER, 0000000000000000",
            "other.example, Pub-1, DIRECT",
            "tollgate.example, pub-5, DIRECT",
        ] {
            assert!(!found(text, wanted), "{wanted}");
        }
    }

    #[test]
    fn lines_end_in_three_ways_and_keep_their_numbers() {
        for text in ["x\ny\n\nz, 1", "x\r\ny\r\n\r\nz, 1", "x\ry\r\rz, 1", "x\ry\n\nz, 1"] {
            let numbers: Vec<_> =
                AppAds::read(text, &[]).broken.into_iter().map(|(number, _)| number).collect();
            assert_eq!(numbers, [1, 2, 4], "{text:?}");
        }
        assert_eq!(AppAds::read("", &[]), AppAds::default());
        let many = AppAds::read(&"x\n".repeat(1000), &[]);
        assert_eq!((many.broken_lines, many.broken.len()), (1000, TOLD));
    }

    proptest! {
        #[test]
        fn no_text_is_too_much_for_it(text in "[a-z0-9.,;=#\\r\\n \u{feff}\u{200b}é]{0,200}") {
            AppAds::read(&text, &[]);
        }

        #[test]
        fn what_is_written_down_is_found_again(
            domain in "[a-z0-9]{1,10}(\\.[a-z0-9]{1,10}){1,3}",
            account in "[A-Za-z0-9_-]{1,20}",
            direct: bool,
            authority in proptest::option::of("[0-9a-f]{16}"),
            blanks in "[ \\t\u{a0}]{0,3}",
        ) {
            let relationship = if direct { Relationship::Direct } else { Relationship::Reseller };
            let (ad_system, account) = (domain.as_str(), account.as_str());
            let line = SellerLine { ad_system, account, relationship, authority: authority.as_deref() };
            let written = line.to_string();
            prop_assert_eq!(SellerLine::parse(&written), Ok(line));
            let shouted = written.replace(&domain, &domain.to_uppercase());
            let shouted = shouted.replace(',', &format!("{blanks},{blanks}"));
            let text = format!("# first\r\n{blanks}{shouted}{blanks}# last");
            prop_assert_eq!(AppAds::read(&text, &[line]).found, [true]);
        }
    }
}
