//! What the document says of analytics.

use std::borrow::Cow;
use tollgate_domain::{CampaignType, Platform};
use tollgate_jobs::analytics::{Aggregate, FileForm, Grouping, Role, ad_type_ids, platform_name};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::{Ref, RefOr, Required};
use utoipa::{IntoParams, IntoResponses, PartialSchema, ToSchema};

/// Everything that was wrong, in one sentence.
#[derive(ToSchema)]
#[schema(as = Refusal)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) struct Refusal {
    error: RefusalMessage,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) struct RefusalMessage {
    /// Each problem with the parameter it is about.
    message: String,
}

/// What a wrong user id or signature is answered.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) struct Unauthenticated {
    #[schema(minimum = 401, maximum = 401)]
    code: u32,
    message: String,
    status: String,
}

/// What may be answered because of a user id and its signature.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum Unproven {
    /// No user id and signature, or wrong ones.
    #[response(status = 401)]
    Unauthorized(Unauthenticated),
}

/// What every request may be answered.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum AnyRefusal {
    /// The body did not arrive in time.
    #[response(status = 408)]
    Timeout(Refusal),
    /// The body is larger than 1 MiB.
    #[response(status = 413)]
    TooLarge(Refusal),
    /// The body is neither JSON nor a form.
    #[response(status = 415)]
    MediaType(Refusal),
    /// The credential's request limit is reached, there are too many jobs, or too many signatures were wrong.
    #[response(status = 429, headers(("Retry-After" = u32, description = "Seconds")))]
    TooManyRequests(Refusal),
    /// Something went wrong on the server's end.
    #[response(status = 500)]
    Internal(Refusal),
    /// The server cannot do this at the moment.
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds")))]
    Unavailable(Refusal),
}

/// What a request with parameters may be answered besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum ReportProblem {
    /// Parameters that are missing or not legal, or too much to tell at once.
    #[response(status = 400)]
    Invalid(Refusal),
}

/// What a request about a job may be answered besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(crate) enum JobProblem {
    /// A parameter that is not legal, or a job that failed.
    #[response(status = 400)]
    Invalid(Refusal),
    /// There is no such object; of a job also: it was not started yet, or its result is kept no longer.
    #[response(status = 404)]
    NotFound(Refusal),
}

/// A job was taken up.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(super) struct JobTaken {
    /// The job's id, with a slash in it.
    #[schema(rename = "jobId", pattern = "^[0-9a-f]{32}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    job_id: String,
}

/// How far a job is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(super) struct JobStatus {
    /// `running` or `created`.
    status: String,
    /// A word about it while it is being made.
    #[schema(required = false)]
    message: Option<String>,
}

/// Properties of an object: texts, numbers, and figures of these sides.
fn object(texts: &[&str], numbers: &[&str], sides: &[[&str; 3]]) -> ObjectBuilder {
    let of = |kind: Type| ObjectBuilder::new().schema_type(kind);
    let mut object = ObjectBuilder::new().schema_type(Type::Object);
    for name in texts {
        object = object.property(*name, of(Type::String)).required(*name);
    }
    for name in numbers {
        object = object.property(*name, of(Type::Integer)).required(*name);
    }
    for [side, installs, money] in sides {
        let counts = [format!("impressions{side}"), format!("clicks{side}"), (*installs).to_owned()];
        let counts = counts.into_iter().chain([format!("videoCompleted{side}")]);
        object = counts.fold(object, |object, name| object.property(name, of(Type::Integer)));
        let rates = ["ctr", "installRate"].map(|name| format!("{name}{side}"));
        let amounts = ["money", "ecpm", "cpcv"].map(|name| format!("{name}{money}"));
        let others = rates.into_iter().chain(amounts);
        object = others.fold(object, |object, name| object.property(name, of(Type::Number)));
    }
    object
}

const DELIVERED: [&str; 3] = ["Delivered", "installDelivered", "Earned"];
const RECEIVED: [&str; 3] = ["Received", "installReceived", "Spent"];

macro_rules! described {
    ($($(#[$doc:meta])* $name:ident = $schema:expr;)+) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                RefOr::T($schema.into())
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )+};
}

described! {
    /// What is answered as JSON: how far a job is, or its result with the titles of the columns as keys.
    JobAnswer = OneOfBuilder::new()
        .item(Ref::from_schema_name("JobStatus"))
        .item(ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::Object)))
        .build();
    /// Figures of a campaign. The keys of one side are absent where the other one was asked for.
    CampaignFigures = object(
        &["dt", "campaign", "campaignId", "campaignTarget", "campaignType", "campaignSubType", "app", "creative", "role"],
        &["adTypeId"],
        &[DELIVERED, RECEIVED],
    );
    /// Figures of an app. The keys of one side are absent where the other one was asked for.
    AppFigures = object(
        &["dt", "appId", "app", "appBundleId", "platform", "eventLocation", "role"],
        &["bootups", "uniques"],
        &[DELIVERED, RECEIVED],
    );
    /// Figures of an app in a country.
    CountryFigures = object(
        &["dt", "appId", "app", "platform", "countryCode", "adType", "adLocation", "campaignType"],
        &[],
        &[["Delivered", "installsDelivered", "Earned"], ["Received", "installsReceived", "Spent"]],
    );
}

fn parameter(name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn choice<'n>(names: impl Iterator<Item = &'n str>) -> ObjectBuilder {
    text().enum_values(Some(names.map(str::to_owned)))
}

fn names<T>(known: &[(&'static str, T)]) -> ObjectBuilder {
    choice(known.iter().map(|(name, _)| *name))
}

/// Parameters of a list, which repeats or is comma-separated.
fn list(name: &str, about: &str) -> Parameter {
    let item = text().max_length(Some(255));
    parameter(name, about, ArrayBuilder::new().items(item).max_items(Some(1000))).explode(Some(false)).build()
}

fn day(name: &str, about: &str) -> Parameter {
    // The years that days may have.
    let years = "^(19[7-9][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])-";
    let day = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))).pattern(Some(years));
    parameter(name, about, day).required(Required::True).build()
}

/// What every report takes.
fn common() -> Vec<Parameter> {
    let zone = "IANA name of the zone that days are in; America/Los_Angeles unless given.";
    let platforms = choice(Platform::NAMES.iter().map(|(_, one)| platform_name(*one)));
    vec![
        day(
            "dateMin",
            "The first day. Like every parameter it may stand in a JSON body of the request instead.",
        ),
        day("dateMax", "The last day."),
        parameter("aggregate", "How long the times are; daily unless given.", names(Aggregate::NAMES))
            .build(),
        parameter("role", "Whose side is told; both unless given.", names(Role::NAMES)).build(),
        parameter("timezone", zone, text()).build(),
        list("appId", "Only these apps; `appIds` is the same."),
        parameter("campaignType", "Only campaigns of this type.", names(CampaignType::NAMES)).build(),
        parameter("platform", "Only apps of this platform.", platforms).build(),
    ]
}

fn campaigns() -> Parameter {
    list("campaignId", "Only these campaigns; `campaignIds` is the same.")
}

fn form() -> Parameter {
    let about = "The form of the file; tab-separated UTF-16LE unless given.";
    parameter("csv_format", about, names(FileForm::NAMES)).build()
}

macro_rules! parameters {
    ($($(#[$doc:meta])* $name:ident = $parameters:expr;)+) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                $parameters
            }
        }
    )+};
}

parameters! {
    /// The parameters of the report on campaigns.
    CampaignParams = {
        let about = "What figures are told apart by, in a job's file.";
        let grouping = parameter("groupBy", about, names(Grouping::OF_CAMPAIGNS)).build();
        common().into_iter().chain([campaigns(), grouping, form()]).collect()
    };
    /// The parameters of the report on apps.
    AppParams = {
        let about = "What figures are told apart by; the app unless given.";
        let grouping = parameter("groupBy", about, names(Grouping::OF_APPS)).build();
        common().into_iter().chain([grouping]).collect()
    };
    /// The parameters of the report by country.
    CountryParams = {
        let ids = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some(ad_type_ids()));
        let ids = ArrayBuilder::new().items(ids).min_items(Some(1));
        let types = parameter("adTypeIds", "Only these ad types.", ids).explode(Some(false)).build();
        let location = parameter("adLocation", "Only the ad location of this name; `all` is all.", text()).build();
        common().into_iter().chain([location, types]).collect()
    };
    /// The parameters of the report on installs.
    InstallParams = common().into_iter().chain([campaigns(), form()]).collect();
    /// The parameters of a request about a job.
    JobParams = {
        let boolean = ObjectBuilder::new().schema_type(Type::Boolean);
        vec![parameter("status", "Only tell how far it is.", boolean).build(), form()]
    };
}
