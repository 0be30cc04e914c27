//! `/settings`: who reviews new apps, the operator's own lines of app-ads.txt files, what `auto_cpm` locations earn.

use crate::ApiState;
use crate::body::read_json_object;
use crate::chartboost::ad_locations::{CountryPrice, read_price_table};
use crate::error::{ApiError, Code};
use crate::etag::{IfMatch, etag};
use crate::fields::{Fields, Given};
use crate::native::auth::Principal;
use crate::native::schema::{BodyProblem, ConflictProblem, IfMatchParams};
use crate::native::{Answer, domain_name};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use tollgate_catalog::{AppReview, AutoCpm, Organization, Stored};
use tollgate_domain::app_ads::{Relationship, SellerLine};
use tollgate_domain::{Invalid, PriceTable};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

/// Most seller lines of an organization.
const MOST_LINES: usize = 100;
/// Visible ASCII but for what ends a field or a line: comma, semicolon, hash.
const ACCOUNT_PATTERN: &str = r#"^[!"$-+\-.-:<-~]{1,255}$"#;
const AUTHORITY_PATTERN: &str = "^[0-9A-Za-z]{1,64}$";
const REVIEWS: &[(&str, AppReview)] = &[("automatic", AppReview::Automatic), ("manual", AppReview::Manual)];
const RELATIONSHIPS: &[(&str, Relationship)] =
    &[("DIRECT", Relationship::Direct), ("RESELLER", Relationship::Reseller)];

/// The settings of an organization. In a change, what is absent stays as it is; lists replace lists.
#[derive(Debug, Serialize, ToSchema)]
struct OrganizationSettings {
    #[schema(schema_with = app_review)]
    app_review: &'static str,
    /// What an app-ads.txt must say for the operator to be a seller.
    #[schema(max_items = 100)]
    seller_lines: Vec<Seller>,
    auto_cpm: AutoCpmPrices,
}

/// A change of an organization's settings: what is absent stays as it is, a list replaces a list.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct OrganizationSettingsRequest {
    #[schema(required = false, schema_with = app_review)]
    app_review: String,
    #[schema(required = false, max_items = 100)]
    seller_lines: Vec<Seller>,
    #[schema(required = false)]
    auto_cpm: AutoCpmRequest,
}

/// A line of an app-ads.txt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SellerLine)]
struct Seller {
    /// The ad system's domain.
    #[schema(schema_with = domain_name::schema)]
    ad_system: String,
    /// The operator's account with it.
    #[schema(schema_with = account)]
    account: String,
    #[schema(schema_with = relationship)]
    relationship: &'static str,
    /// The ad system's id with a certification authority.
    #[schema(schema_with = authority)]
    authority: Option<String>,
}

/// What `auto_cpm` locations earn, per thousand impressions, by country; nothing where no price is named.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AutoCpm)]
struct AutoCpmPrices {
    #[schema(max_items = 250)]
    interstitial: Vec<CountryPrice>,
    #[schema(max_items = 250)]
    rewarded: Vec<CountryPrice>,
    #[schema(max_items = 250)]
    banner: Vec<CountryPrice>,
}

/// A change of these prices: each list that is given replaces the old one.
#[derive(ToSchema)]
#[schema(as = AutoCpmChange)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct AutoCpmRequest {
    #[schema(required = false, max_items = 250)]
    interstitial: Vec<CountryPrice>,
    #[schema(required = false, max_items = 250)]
    rewarded: Vec<CountryPrice>,
    #[schema(required = false, max_items = 250)]
    banner: Vec<CountryPrice>,
}

/// Get the organization's settings
#[utoipa::path(
    get,
    path = "/settings",
    operation_id = "get_settings",
    responses(
        (status = 200, description = "The settings.", body = OrganizationSettings,
         headers(("ETag" = String, description = "The organization's version."))),
    ),
)]
pub(super) async fn read(principal: Principal) -> Answer {
    let stored = principal.organization().organization();
    // Whoever proved to be of an organization is of one that exists.
    Ok(answer(stored.ok_or_else(|| ApiError::new(Code::NotFound))?))
}

/// Update the organization's settings
#[utoipa::path(
    patch,
    path = "/settings",
    operation_id = "update_settings",
    params(IfMatchParams),
    request_body = OrganizationSettingsRequest,
    responses(
        (status = 200, description = "The settings as they are now.", body = OrganizationSettings,
         headers(("ETag" = String, description = "The organization's version."))),
        ConflictProblem,
        BodyProblem,
    ),
)]
pub(super) async fn change(
    principal: Principal,
    State(state): State<ApiState>,
    if_match: IfMatch,
    request: Request,
) -> Answer {
    let change = Change::read(read_json_object(request).await?).map_err(ApiError::invalid)?;
    let id = principal.organization_id();
    let stored = state
        .catalog
        .write(id, principal.actor(), |draft| {
            let organization = if_match.require::<Organization>(draft, id.as_str())?;
            draft.update(change.apply(&organization), None)?;
            draft.require::<Organization>(id.as_str(), None)
        })
        .await?;
    Ok(answer(&stored))
}

/// What a body asks for.
#[derive(Debug, Clone)]
struct Change {
    app_review: Option<AppReview>,
    seller_lines: Option<Vec<String>>,
    interstitial: Option<PriceTable>,
    rewarded: Option<PriceTable>,
    banner: Option<PriceTable>,
}

impl Change {
    fn read(map: Map<String, Value>) -> Result<Self, Vec<Invalid>> {
        let mut fields = Fields::lenient(map);
        let app_review = fields.not_null("app_review", |f| f.choice("app_review", REVIEWS)).value();
        let seller_lines = fields
            .not_null("seller_lines", |f| f.objects("seller_lines", 0..=MOST_LINES, read_seller))
            .value();
        let table = |f: &mut Fields, name| f.not_null(name, |f| read_price_table(f, name, 0)).value();
        let tables = |f: &mut Fields| ["interstitial", "rewarded", "banner"].map(|name| table(f, name));
        let prices = fields.not_null("auto_cpm", |f| f.nested("auto_cpm", tables)).value();
        let [interstitial, rewarded, banner] = prices.unwrap_or_default();
        match fields.finish() {
            errors if errors.is_empty() => {
                Ok(Self { app_review, seller_lines, interstitial, rewarded, banner })
            }
            errors => Err(errors),
        }
    }

    fn apply(&self, old: &Organization) -> Organization {
        let this = self.clone();
        let prices = old.auto_cpm.clone();
        Organization {
            app_review: this.app_review.unwrap_or(old.app_review),
            seller_lines: this.seller_lines.unwrap_or_else(|| old.seller_lines.clone()),
            auto_cpm: AutoCpm {
                interstitial: this.interstitial.unwrap_or(prices.interstitial),
                rewarded: this.rewarded.unwrap_or(prices.rewarded),
                banner: this.banner.unwrap_or(prices.banner),
            },
            ..old.clone()
        }
    }
}

/// Reads a line, in the form it has in a file.
fn read_seller(fields: &mut Fields) -> Option<String> {
    let account_rule = "must be 1 to 255 visible ASCII characters without , ; and #";
    let ad_system = fields.required("ad_system", |f| domain_name::read(f, "ad_system"));
    let account = fields.required("account", |f| matching(f, "account", 255, is_account, account_rule));
    let relationship = fields.required("relationship", |f| f.choice("relationship", RELATIONSHIPS));
    let authority_rule = "must be 1 to 64 letters and digits";
    let is_authority = |byte: u8| byte.is_ascii_alphanumeric();
    let authority = matching(fields, "authority", 64, is_authority, authority_rule).value();
    let (ad_system, account) = (ad_system?, account?);
    let line = SellerLine {
        ad_system: &ad_system,
        account: &account,
        relationship: relationship?,
        authority: authority.as_deref(),
    };
    Some(line.to_string())
}

/// A text of so many characters, each of which is legal.
fn matching(
    fields: &mut Fields,
    name: &str,
    most: usize,
    legal: fn(u8) -> bool,
    rule: &str,
) -> Given<String> {
    fields.parsed(name, |place, text| {
        if (1..=most).contains(&text.len()) && text.bytes().all(legal) {
            Ok(text.to_owned())
        } else {
            Err(Invalid::new(place, rule))
        }
    })
}

fn is_account(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b',' | b';' | b'#')
}

fn answer(stored: &Stored<Organization>) -> Response {
    let prices = |table: &PriceTable| table.iter().map(CountryPrice::of).collect();
    let body = OrganizationSettings {
        app_review: name_of(REVIEWS, stored.app_review),
        seller_lines: stored.seller_lines.iter().filter_map(|line| Seller::of(line)).collect(),
        auto_cpm: AutoCpmPrices {
            interstitial: prices(&stored.auto_cpm.interstitial),
            rewarded: prices(&stored.auto_cpm.rewarded),
            banner: prices(&stored.auto_cpm.banner),
        },
    };
    (etag(stored.meta.version), Json(body)).into_response()
}

impl Seller {
    /// A stored line; only lines that can be read are stored.
    fn of(line: &str) -> Option<Self> {
        let line = SellerLine::parse(line).ok()?;
        Some(Self {
            ad_system: line.ad_system.to_owned(),
            account: line.account.to_owned(),
            relationship: name_of(RELATIONSHIPS, line.relationship),
            authority: line.authority.map(str::to_owned),
        })
    }
}

/// The name of a value; every value has its line in the table.
fn name_of<T: PartialEq>(names: &[(&'static str, T)], value: T) -> &'static str {
    names.iter().find(|(_, known)| *known == value).map_or("", |(name, _)| name)
}

fn app_review() -> ObjectBuilder {
    text().enum_values(Some(REVIEWS.iter().map(|(name, _)| *name)))
}

fn relationship() -> ObjectBuilder {
    text().enum_values(Some(RELATIONSHIPS.iter().map(|(name, _)| *name)))
}

fn account() -> ObjectBuilder {
    text().pattern(Some(ACCOUNT_PATTERN))
}

fn authority() -> ObjectBuilder {
    text().schema_type(SchemaType::from_iter([Type::String, Type::Null])).pattern(Some(AUTHORITY_PATTERN))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}
