//! `GET /iab-categories`: the IAB Content Taxonomy 1.0, for those who make lists.

use crate::native::Answer;
use crate::native::auth::Principal;
use axum::Json;
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_domain::{Category, TierOne};
use utoipa::ToSchema;

/// Whose work the codes and names are. Their licence asks to say so.
const SOURCE: &str = "IAB Tech Lab Content Taxonomy 1.0, CC BY 3.0";

/// The taxonomy.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IabTaxonomy {
    /// Every category; those of tier 2 follow the one they belong to.
    items: Vec<IabTaxonomyItem>,
    /// Whose work the codes and names are.
    source: &'static str,
}

/// A category.
#[derive(Debug, Serialize, ToSchema)]
struct IabTaxonomyItem {
    #[schema(pattern = "^IAB[0-9]{1,2}(-[0-9]{1,2})?$")]
    code: &'static str,
    /// Its English name.
    name: &'static str,
    /// 1 or 2. Lists hold categories of tier 2 only.
    #[schema(minimum = 1, maximum = 2)]
    tier: u8,
    /// The category of tier 1 that one of tier 2 belongs to.
    #[schema(required = true)]
    parent: Option<&'static str>,
}

impl From<TierOne> for IabTaxonomyItem {
    fn from(one: TierOne) -> Self {
        Self { code: one.code(), name: one.name(), tier: 1, parent: None }
    }
}

impl From<Category> for IabTaxonomyItem {
    fn from(two: Category) -> Self {
        Self { code: two.code(), name: two.name(), tier: 2, parent: Some(two.parent().code()) }
    }
}

/// List the IAB categories
#[utoipa::path(
    get,
    path = "/iab-categories",
    operation_id = "list_iab_categories",
    responses((status = 200, description = "The taxonomy.", body = IabTaxonomy)),
)]
pub(super) async fn handle(_: Principal) -> Answer {
    let family =
        |one: TierOne| std::iter::once(one.into()).chain(one.categories().map(IabTaxonomyItem::from));
    Ok(Json(IabTaxonomy { items: TierOne::all().flat_map(family).collect(), source: SOURCE }).into_response())
}
