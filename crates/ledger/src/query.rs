//! What a page of rows is asked for with: kind, integration, time range, cursor, and predicates on any field.

use std::cmp::Ordering;
pub(crate) use tollgate_domain::row::Fields;
use tollgate_domain::{
    AuctionOutcome, Column, ColumnType, EventKind, IntegrationId, Invalid, Money, Number, Status, Text,
    Timestamp, TxId,
};

/// A request for one page of rows, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// The one kind of rows.
    pub kind: EventKind,
    /// The one integration.
    pub integration: IntegrationId,
    /// Smallest id that belongs to the range.
    pub from: TxId,
    /// First id after the range.
    pub to: TxId,
    /// Where the page begins.
    pub cursor: Cursor,
    /// At most this many rows.
    pub limit: u16,
    /// What every row must satisfy.
    pub predicates: Vec<Predicate>,
    /// Only rows with at most this `seq`, for pages of one cut.
    pub as_of: Option<u64>,
}

/// Where a page begins. The row of the id need not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// With the newest row of the range.
    Newest,
    /// With the newest row that is older than this id: `page[after]`.
    After(TxId),
    /// So that it ends with the oldest row that is newer than this id: `page[before]`.
    Before(TxId),
}

impl PageQuery {
    /// Rows a page has at most.
    pub const MAX_LIMIT: u16 = 100;

    /// The newest rows with times from `from` up to but without `to`. The time of an id is the event's
    /// `request_time`, for conversions its `conversion_time`: the two are one value.
    pub fn new(kind: EventKind, integration: IntegrationId, from: Timestamp, to: Timestamp) -> Self {
        Self {
            kind,
            integration,
            from: TxId::first_at(from),
            to: TxId::first_at(to),
            cursor: Cursor::Newest,
            limit: Self::MAX_LIMIT,
            predicates: Vec::new(),
            as_of: None,
        }
    }
}

/// A field that rows can be filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldRef {
    /// A stored column, compared as its type.
    Stored(Column),
    /// `real_tx_id`.
    RealTxId,
    /// `tx_id`: the caller's external transaction id, else the real one; compared as text.
    TxId,
    /// `status`: `approved` or `rejected`.
    Status,
    /// `rtb_outcome`: what came of a click's auction, by its code.
    RtbOutcome,
    /// `rejection`: the first of `rejections`; text.
    Rejection,
    /// `rejections`: an array of text.
    Rejections,
    /// `integration_id`; text.
    IntegrationId,
    /// `kind`: `click`, `conversion`, `impression`; text.
    Kind,
}

const COMPUTED: &[(&str, FieldRef)] = &[
    ("real_tx_id", FieldRef::RealTxId),
    ("tx_id", FieldRef::TxId),
    ("status", FieldRef::Status),
    ("rtb_outcome", FieldRef::RtbOutcome),
    ("rejection", FieldRef::Rejection),
    ("rejections", FieldRef::Rejections),
    ("integration_id", FieldRef::IntegrationId),
    ("kind", FieldRef::Kind),
];

impl FieldRef {
    /// The field of a name; the error lists the names of the fields that rows of `kind` have.
    pub fn from_name(kind: EventKind, name: &str) -> Result<Self, Invalid> {
        let computed = COMPUTED.iter().find(|(known, _)| *known == name).map(|(_, field)| *field);
        let stored = || Column::from_name(name).filter(|c| c.kinds().contains(&kind)).map(Self::Stored);
        computed.or_else(stored).ok_or_else(|| {
            let mut names: Vec<_> = Self::names(kind).collect();
            names.sort_unstable();
            let message = format!("is not a field of {} rows; known are {}", kind.name(), names.join(", "));
            Invalid::new(format!("filter[{name}]"), message)
        })
    }

    /// The names of the fields that rows of `kind` can be filtered by.
    pub fn names(kind: EventKind) -> impl Iterator<Item = &'static str> {
        let stored = Column::all().filter(move |column| column.kinds().contains(&kind)).map(Column::name);
        let not_computed = |name: &&str| COMPUTED.iter().all(|(known, _)| known != name);
        COMPUTED.iter().map(|(name, _)| *name).chain(stored.filter(not_computed))
    }

    fn value_type(self) -> ValueType {
        match self {
            Self::Stored(column) => match column.column_type() {
                ColumnType::Text | ColumnType::Json => ValueType::Text,
                ColumnType::Time => ValueType::Time,
                ColumnType::Money => ValueType::Money,
                ColumnType::Integer => ValueType::Integer,
                ColumnType::Boolean => ValueType::Boolean,
            },
            Self::RealTxId => ValueType::Id,
            Self::Status => ValueType::Status,
            Self::RtbOutcome => ValueType::RtbOutcome,
            Self::Rejections => ValueType::Array,
            Self::TxId | Self::Rejection | Self::IntegrationId | Self::Kind => ValueType::Text,
        }
    }

    /// Whether its value is the id, or may be.
    pub(crate) fn needs_id(self) -> bool {
        matches!(self, Self::RealTxId | Self::TxId)
    }

    /// The column whose very value it is.
    pub(crate) fn stored(self) -> Option<Column> {
        match self {
            Self::Stored(column) => Some(column),
            Self::Status => Some(Column::Number(Number::Status)),
            Self::RtbOutcome => Some(Column::Number(Number::RtbOutcome)),
            _ => None,
        }
    }

    /// The stored columns that its value is computed from.
    pub(crate) fn columns(self) -> &'static [Column] {
        match self {
            Self::Stored(Column::Text(column)) => &TEXT_COLUMNS[column as usize],
            Self::Stored(Column::Number(column)) => &NUMBER_COLUMNS[column as usize],
            Self::TxId => &[Column::Text(Text::ExternalTransactionId)],
            Self::Status => &[Column::Number(Number::Status)],
            Self::RtbOutcome => &[Column::Number(Number::RtbOutcome)],
            Self::Rejection | Self::Rejections => &[Column::Text(Text::Rejections)],
            Self::RealTxId | Self::IntegrationId | Self::Kind => &[],
        }
    }
}

static TEXT_COLUMNS: [[Column; 1]; Text::COUNT] = {
    let mut all = [[Column::Text(Text::Ip)]; Text::COUNT];
    let mut i = 0;
    while i < Text::COUNT {
        all[i] = [Column::Text(Text::ALL[i])];
        i += 1;
    }
    all
};

static NUMBER_COLUMNS: [[Column; 1]; Number::COUNT] = {
    let mut all = [[Column::Number(Number::Asn)]; Number::COUNT];
    let mut i = 0;
    while i < Number::COUNT {
        all[i] = [Column::Number(Number::ALL[i])];
        i += 1;
    }
    all
};

/// How a field's values are written in filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueType {
    Text,
    Array,
    Id,
    Time,
    Money,
    Integer,
    Boolean,
    Status,
    RtbOutcome,
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// One of a list.
    In,
    /// Has the value as a part.
    Contains,
}

const OPERATORS: &[(&str, Operator)] = &[
    ("eq", Operator::Eq),
    ("ne", Operator::Ne),
    ("gt", Operator::Gt),
    ("gte", Operator::Gte),
    ("lt", Operator::Lt),
    ("lte", Operator::Lte),
    ("in", Operator::In),
    ("contains", Operator::Contains),
];

impl ValueType {
    /// Which operators make sense.
    fn allows(self, operator: Operator) -> bool {
        match self {
            Self::Text => true,
            Self::Array => {
                matches!(operator, Operator::Eq | Operator::Ne | Operator::In | Operator::Contains)
            }
            Self::Boolean | Self::Status | Self::RtbOutcome => {
                matches!(operator, Operator::Eq | Operator::Ne | Operator::In)
            }
            Self::Id | Self::Time | Self::Money | Self::Integer => operator != Operator::Contains,
        }
    }
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// Texts; one but for `in`.
    Texts(Vec<String>),
    /// Numbers as they are stored; one but for `in`.
    Numbers(Vec<i64>),
    /// Ids; one but for `in`.
    Ids(Vec<TxId>),
}

/// A condition on one field.
///
/// A missing value equals the empty text and nothing else: `ne` holds for it, except against the empty text, and the
/// orderings and `contains` do not. Texts compare by their bytes, upper and lower case apart. `rejections` is an array:
/// `eq` and `contains` both ask whether a reason is among them, `in` whether any of several is, `ne` whether it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicate {
    /// The field.
    pub field: FieldRef,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub operand: Operand,
}

impl Predicate {
    /// Reads `filter[name][operator]=text` for rows of `kind`; without an operator it is `eq`. Lists of `in` are
    /// separated by commas.
    pub fn parse(kind: EventKind, name: &str, operator: Option<&str>, text: &str) -> Result<Self, Invalid> {
        let field = FieldRef::from_name(kind, name)?;
        let value_type = field.value_type();
        let asked = operator.unwrap_or("eq");
        let whole = match operator {
            Some(operator) => format!("filter[{name}][{operator}]"),
            None => format!("filter[{name}]"),
        };
        let known = OPERATORS.iter().filter(|(_, operator)| value_type.allows(*operator));
        let Some((_, operator)) = known.clone().find(|(known, _)| *known == asked) else {
            let names: Vec<_> = known.map(|(name, _)| *name).collect();
            let message = format!("is not an operator for {name}; known are {}", names.join(", "));
            return Err(Invalid::new(whole, message));
        };
        let values: Vec<&str> =
            if *operator == Operator::In { text.split(',').map(str::trim).collect() } else { vec![text] };
        Ok(Self { field, operator: *operator, operand: value_type.operand(&whole, &values)? })
    }
}

impl ValueType {
    fn operand(self, field: &str, values: &[&str]) -> Result<Operand, Invalid> {
        let numbers = |parse: &dyn Fn(&str) -> Result<i64, Invalid>| {
            values.iter().map(|text| parse(text)).collect::<Result<_, _>>().map(Operand::Numbers)
        };
        let refuse = |message: &str| Invalid::new(field, message);
        match self {
            Self::Text | Self::Array => {
                Ok(Operand::Texts(values.iter().map(|text| (*text).to_owned()).collect()))
            }
            Self::Id => {
                let id = |text: &&str| text.parse().map_err(|e: Invalid| Invalid::new(field, e.message));
                values.iter().map(id).collect::<Result<_, _>>().map(Operand::Ids)
            }
            Self::Time => numbers(&|text| Timestamp::parse(field, text).map(Timestamp::millis)),
            Self::Money => numbers(&|text| Money::parse(field, text).map(Money::micros)),
            Self::Integer => numbers(&|text| text.parse().map_err(|_| refuse("must be a whole number"))),
            Self::Boolean => numbers(&|text| match text {
                "true" | "1" => Ok(1),
                "false" | "0" => Ok(0),
                _ => Err(refuse("must be true or false")),
            }),
            Self::Status => numbers(&|text| match text {
                "approved" => Ok(Status::Approved as i64),
                "rejected" => Ok(Status::Rejected as i64),
                _ => Err(refuse("must be approved or rejected")),
            }),
            Self::RtbOutcome => numbers(&|text| {
                let known = || AuctionOutcome::ALL.iter().map(|outcome| outcome.code()).collect::<Vec<_>>();
                let outcome = AuctionOutcome::from_code(text).map(AuctionOutcome::number);
                outcome.ok_or_else(|| refuse(&format!("must be one of {}", known().join(", "))))
            }),
        }
    }
}

impl Operator {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Eq | Self::In => ordering.is_eq(),
            Self::Ne => ordering.is_ne(),
            Self::Gt => ordering.is_gt(),
            Self::Gte => ordering.is_ge(),
            Self::Lt => ordering.is_lt(),
            Self::Lte => ordering.is_le(),
            Self::Contains => false,
        }
    }

    /// Whether any of `values` stands in this relation to `value`.
    fn among<T: Ord>(self, value: &T, values: &[T]) -> bool {
        values.iter().any(|given| self.holds(value.cmp(given)))
    }
}

impl Predicate {
    /// Whether the row satisfies it.
    pub(crate) fn matches(&self, row: &(impl Fields + ?Sized)) -> bool {
        match &self.operand {
            Operand::Numbers(values) => self.matches_number(self.number_of(row), values),
            Operand::Ids(values) => self.operator.among(&row.id(), values),
            Operand::Texts(values) => match self.field {
                FieldRef::Stored(Column::Number(_))
                | FieldRef::RealTxId
                | FieldRef::Status
                | FieldRef::RtbOutcome => false,
                FieldRef::Stored(Column::Text(column)) => self.matches_only(row.text(column)),
                FieldRef::Rejections | FieldRef::Rejection => self.matches_only(row.text(Text::Rejections)),
                FieldRef::TxId => match row.text(Text::ExternalTransactionId) {
                    Some(external) => self.matches_text(Some(external), values),
                    None => self.matches_text(Some(&row.id().to_string()), values),
                },
                FieldRef::IntegrationId => self.matches_text(Some(row.integration().as_str()), values),
                FieldRef::Kind => self.matches_text(Some(row.kind().name()), values),
            },
        }
    }

    /// The text column that alone decides, where one does.
    pub(crate) fn only_text(&self) -> Option<Text> {
        match (self.field, &self.operand) {
            (FieldRef::Stored(Column::Text(column)), Operand::Texts(_)) => Some(column),
            (FieldRef::Rejections | FieldRef::Rejection, Operand::Texts(_)) => Some(Text::Rejections),
            _ => None,
        }
    }

    /// Whether a row satisfies it that has this value in [`Predicate::only_text`].
    pub(crate) fn matches_only(&self, value: Option<&str>) -> bool {
        let Operand::Texts(values) = &self.operand else { return false };
        match self.field {
            FieldRef::Rejections => self.matches_array(value, values),
            FieldRef::Rejection => {
                let first = value.and_then(|json| strings(json).into_iter().next());
                self.matches_text(first.as_deref(), values)
            }
            _ => self.matches_text(value, values),
        }
    }

    /// The ids from the first up to but without the second are all that can satisfy it, when it is about ids.
    pub(crate) fn id_bounds(&self) -> Option<(TxId, TxId)> {
        let Operand::Ids(ids) = &self.operand else { return None };
        let (least, greatest) = (*ids.iter().min()?, *ids.iter().max()?);
        let (zero, end) = (TxId::default(), TxId::from_u128(u128::MAX));
        match self.operator {
            Operator::Eq | Operator::In => Some((least, greatest.next())),
            Operator::Gt => Some((least.next(), end)),
            Operator::Gte => Some((least, end)),
            Operator::Lt => Some((zero, least)),
            Operator::Lte => Some((zero, least.next())),
            Operator::Ne | Operator::Contains => None,
        }
    }

    fn number_of(&self, row: &(impl Fields + ?Sized)) -> Option<i64> {
        match self.field {
            FieldRef::Stored(Column::Number(column)) => row.number(column),
            FieldRef::Status => row.number(Number::Status),
            FieldRef::RtbOutcome => row.number(Number::RtbOutcome),
            _ => None,
        }
    }

    pub(crate) fn matches_number(&self, value: Option<i64>, values: &[i64]) -> bool {
        match value {
            Some(value) => self.operator.among(&value, values),
            None => self.operator == Operator::Ne,
        }
    }

    pub(crate) fn matches_text(&self, value: Option<&str>, values: &[String]) -> bool {
        let compare = |given: &String| match (value, self.operator) {
            (Some(value), Operator::Contains) => value.contains(given.as_str()),
            (Some(value), operator) => operator.holds(value.cmp(given.as_str())),
            (None, Operator::Eq | Operator::In) => given.is_empty(),
            (None, Operator::Ne) => !given.is_empty(),
            (None, _) => false,
        };
        values.iter().any(compare)
    }

    fn matches_array(&self, value: Option<&str>, values: &[String]) -> bool {
        let has = value.is_some_and(|json| strings(json).iter().any(|element| values.contains(element)));
        let empty = value.is_none() && values.iter().any(String::is_empty);
        (has || empty) != (self.operator == Operator::Ne)
    }
}

/// The strings of a JSON array; none when it is something else.
fn strings(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

#[cfg(test)]
mod tests;
