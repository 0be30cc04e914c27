//! What the document says of accounts.

use crate::native::schema::strict_bodies;
use tollgate_domain::{EntryKind, LINE_PATTERN};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

/// What an account adds up to, in USD.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is answered by hand")]
pub(super) struct Account {
    /// Everything that apps earned, by events that were deleted since, too.
    earned: f64,
    /// Everything that campaigns spent.
    spent: f64,
    /// What was paid out of earnings.
    paid_out: f64,
    /// What advertisers paid in.
    deposited: f64,
    /// What was transferred from earnings to the balance.
    transferred: f64,
    /// What was earned and is neither paid out nor transferred. Below zero where what was paid out was rejected late.
    earnings: f64,
    /// What was paid in or transferred and is not spent.
    balance: f64,
}

strict_bodies! {
    /// An entry as it is to be made.
    NewAccountEntry of NewAccountEntryFields;
}

/// An entry as it is to be made.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct NewAccountEntryFields {
    /// Only transfers: payouts and deposits are entered by whoever runs Tollgate.
    #[schema(schema_with = kind_of_callers)]
    kind: String,
    /// In USD, with at most six decimals, at most what was earned and is left.
    #[schema(exclusive_minimum = 0, maximum = 1_000_000_000)]
    amount: f64,
    /// What people say about it, such as a bank's reference.
    #[schema(schema_with = note)]
    note: Option<String>,
}

pub(super) fn kind() -> ObjectBuilder {
    names(EntryKind::NAMES)
}

fn kind_of_callers() -> ObjectBuilder {
    names(EntryKind::OF_CALLERS)
}

fn names(known: &[(&'static str, EntryKind)]) -> ObjectBuilder {
    let names = known.iter().map(|(name, _)| *name);
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some(names))
}

fn note() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .pattern(Some(LINE_PATTERN))
        .min_length(Some(1))
        .max_length(Some(255))
}
