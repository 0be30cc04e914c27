//! What the document says of the values of ad locations.

use tollgate_domain::{AdLocationName, AdLocationType, AdType, Country, PriceTable};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

pub(super) fn uuid() -> ObjectBuilder {
    text().pattern(Some("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"))
}

pub(super) fn name() -> ObjectBuilder {
    text().pattern(Some(AdLocationName::PATTERN)).min_length(Some(1)).max_length(Some(AdLocationName::LENGTH))
}

pub(super) fn ad_type() -> ObjectBuilder {
    text().enum_values(Some(AdType::NAMES.iter().map(|(name, _)| *name)))
}

pub(super) fn any_type() -> ObjectBuilder {
    text().enum_values(Some(AdLocationType::NAMES.iter().map(|(name, _)| *name)))
}

pub(super) fn fixed_cpm() -> ObjectBuilder {
    text().enum_values(Some([AdLocationType::FixedCpm.name()]))
}

pub(super) fn bidding() -> ObjectBuilder {
    text().enum_values(Some([AdLocationType::Bidding.name()]))
}

/// A country's code, or `default`.
pub(crate) fn country() -> ObjectBuilder {
    let codes = Country::all().map(|country| country.to_string());
    text().enum_values(Some(std::iter::once("default".to_owned()).chain(codes)))
}

/// US dollars per thousand.
pub(crate) fn price() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Number))
        .minimum(Some(PriceTable::LOWEST.to_f64()))
        .maximum(Some(PriceTable::HIGHEST.to_f64()))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}
