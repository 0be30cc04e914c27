//! The dictionaries of a row group's columns, decoded once and kept with footers and overlays.

use super::super::footer::Footer;
use super::super::schema::Leaf;
use super::page::{Coding, Scratch};
use super::{Value, bad, plain_text};
use parquet::errors::ParquetError;
use tollgate_domain::Column;

/// The dictionaries of one row group, by leaf.
pub(in super::super) struct Dictionaries(Vec<Dictionary>);

/// What the codes of a column's pages mean.
pub(super) enum Dictionary {
    /// The column has none in this row group.
    None,
    /// All texts in one, and where each ends.
    Texts(String, Vec<u32>),
    Numbers(Vec<i64>),
}

impl Dictionaries {
    /// Reads those of row group `group`.
    pub(super) fn read(footer: &Footer, group: usize, scratch: &mut Scratch) -> Result<Self, ParquetError> {
        footer.fetch_dictionaries(group, super::picked_leaves(footer));
        let leaves = footer.leaves.iter().enumerate();
        leaves
            .map(|(leaf, kind)| read(footer, (group, leaf), *kind, scratch))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn of(&self, leaf: usize) -> &Dictionary {
        self.0.get(leaf).unwrap_or(&Dictionary::None)
    }

    /// Bytes it takes.
    pub(in super::super) fn bytes(&self) -> usize {
        let of = |dictionary: &Dictionary| match dictionary {
            Dictionary::None => 0,
            Dictionary::Texts(texts, ends) => texts.capacity() + ends.capacity() * size_of::<u32>(),
            Dictionary::Numbers(numbers) => numbers.capacity() * size_of::<i64>(),
        };
        self.0.iter().map(|dictionary| of(dictionary) + size_of::<Dictionary>()).sum()
    }
}

impl Dictionary {
    /// The code of a text.
    pub(super) fn code(&self, text: &[u8]) -> Option<u32> {
        let Self::Texts(texts, ends) = self else { return None };
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let mut places = starts.zip(ends);
        let at = places.position(|(start, end)| &texts.as_bytes()[start as usize..*end as usize] == text);
        at.map(|code| code as u32)
    }

    /// The value of a code.
    pub(super) fn value(&self, code: u32) -> Option<Value<'_>> {
        let code = code as usize;
        match self {
            Self::None => None,
            Self::Texts(texts, ends) => {
                let start = code.checked_sub(1).map_or(Some(0), |before| ends.get(before).copied())?;
                texts.get(start as usize..*ends.get(code)? as usize).map(Value::Text)
            }
            Self::Numbers(numbers) => numbers.get(code).copied().map(Value::Number),
        }
    }
}

fn read(
    footer: &Footer,
    (group, leaf): (usize, usize),
    kind: Leaf,
    scratch: &mut Scratch,
) -> Result<Dictionary, ParquetError> {
    let Leaf::Stored(column) = kind else { return Ok(Dictionary::None) };
    let Some(place) = footer.dictionary_place(group, leaf) else { return Ok(Dictionary::None) };
    let compression = footer.arrow.metadata().row_group(group).column(leaf).compression();
    let page = scratch.page(&footer.file, place, compression)?;
    let read = match (column, page.coding) {
        (_, Coding::Deltas) => None,
        (Column::Text(_), _) => texts(page.bytes, page.values),
        (Column::Number(_), _) => numbers(page.bytes, page.values),
    };
    read.ok_or_else(|| bad("a dictionary"))
}

fn texts(mut bytes: &[u8], values: usize) -> Option<Dictionary> {
    let (mut all, mut ends) = (String::with_capacity(bytes.len()), Vec::new());
    for _ in 0..values {
        all.push_str(std::str::from_utf8(plain_text(&mut bytes)?).ok()?);
        ends.push(all.len() as u32);
    }
    bytes.is_empty().then_some(Dictionary::Texts(all, ends))
}

fn numbers(bytes: &[u8], values: usize) -> Option<Dictionary> {
    let (numbers, rest) = bytes.as_chunks::<8>();
    let is_whole = numbers.len() == values && rest.is_empty();
    is_whole.then(|| Dictionary::Numbers(numbers.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect()))
}
