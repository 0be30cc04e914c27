//! The columns of a segment as Arrow and Parquet types, driven by the domain's column table.

use crate::row::RowHead;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use tollgate_domain::{Column, ColumnType, EventKind, Number, Text};

/// The version of the layout; a reader refuses a greater one.
pub(super) const VERSION: u32 = 1;

pub(super) const INTEGRATION: &str = "integration_id";
pub(super) const ID: &str = "real_tx_id";
pub(super) const SEQ: &str = "seq";
pub(super) const KEY: &str = "key";

/// Names of the entries of the footer's key-value list.
pub(super) const META_VERSION: &str = "tollgate.version";
pub(super) const META_KIND: &str = "tollgate.kind";
pub(super) const META_DAY: &str = "tollgate.day";
pub(super) const META_INTEGRATIONS: &str = "tollgate.integrations";

/// Which columns any row of a segment has. The others are left out of the file and read as null.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Presence {
    pub(super) texts: u64,
    pub(super) numbers: u32,
    pub(super) keys: bool,
}

impl Presence {
    /// Adds the columns of a row.
    pub(super) fn add(&mut self, head: &RowHead) {
        self.texts |= head.text_mask;
        self.numbers |= head.number_mask;
        self.keys |= head.key != 0;
    }

    /// Adds a leaf of another file; false when it is one that this version does not know.
    pub(super) fn add_leaf(&mut self, leaf: Leaf) -> bool {
        match leaf {
            Leaf::Stored(Column::Text(column)) => self.texts |= 1 << column as u64,
            Leaf::Stored(Column::Number(column)) => self.numbers |= 1 << column as u32,
            Leaf::Key => self.keys = true,
            Leaf::Integration | Leaf::Id | Leaf::Seq => {}
            Leaf::Unknown => return false,
        }
        true
    }

    /// The stored columns that are present, texts first.
    pub(super) fn columns(self) -> impl Iterator<Item = Column> {
        let texts = Text::ALL.iter().filter(move |c| self.texts >> **c as u32 & 1 == 1);
        let numbers = Number::ALL.iter().filter(move |c| self.numbers >> **c as u32 & 1 == 1);
        texts.copied().map(Column::Text).chain(numbers.copied().map(Column::Number))
    }
}

/// The file's schema: integration, id, seq, key when any row has one, then the present columns of the table.
pub(super) fn schema(presence: Presence) -> Schema {
    let mut fields = vec![
        Field::new(INTEGRATION, DataType::Utf8, false),
        Field::new(ID, DataType::FixedSizeBinary(16), false),
        Field::new(SEQ, DataType::UInt64, false),
    ];
    if presence.keys {
        fields.push(Field::new(KEY, DataType::FixedSizeBinary(16), true));
    }
    fields.extend(presence.columns().map(|column| Field::new(column.name(), data_type(column), true)));
    Schema::new(fields)
}

/// The schema of a file that has every column of a kind.
pub(crate) fn whole_schema(kind: EventKind) -> Schema {
    let mut presence = Presence { keys: true, ..Presence::default() };
    for column in Column::all().filter(|column| column.kinds().contains(&kind)) {
        presence.add_leaf(Leaf::Stored(column));
    }
    schema(presence)
}

fn data_type(column: Column) -> DataType {
    match column.column_type() {
        ColumnType::Text | ColumnType::Json => DataType::Utf8,
        ColumnType::Time => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        ColumnType::Money | ColumnType::Integer => DataType::Int64,
        ColumnType::Boolean => DataType::Boolean,
    }
}

/// What a leaf of a segment's schema holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    Integration,
    Id,
    Seq,
    Key,
    Stored(Column),
    /// A column that this version does not know; it is skipped.
    Unknown,
}

impl Leaf {
    pub(super) fn of(name: &str) -> Self {
        match name {
            INTEGRATION => Self::Integration,
            ID => Self::Id,
            SEQ => Self::Seq,
            KEY => Self::Key,
            _ => Column::from_name(name).map_or(Self::Unknown, Self::Stored),
        }
    }
}
