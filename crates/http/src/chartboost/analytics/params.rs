//! The parameters of reports.

use super::{Asked, Failure};
use crate::ApiState;
use crate::chartboost::query::Query;
use crate::error::ApiError;
use tollgate_domain::{CampaignType, Day, Invalid, Platform};
use tollgate_jobs::analytics::{
    Aggregate, FileForm, Grouping, Report, ReportRequest, Role, ad_type_ids, integrations_ever,
    platform_name, sources,
};
use tollgate_jobs::retention::not_whole;

/// The zone that days are in unless another is asked for: the vendor's own.
const ZONE: &str = "America/Los_Angeles";
/// Most values of a list, and most characters of each.
const MOST: usize = 1000;
const LONGEST: usize = 255;

/// Takes what a report needs, and the form that its file is to have.
pub(super) fn take(
    state: &ApiState,
    asked: &mut Asked,
    report: Report,
) -> Result<(ReportRequest, Option<FileForm>), Failure> {
    let query = &mut asked.query;
    let first = day(query, "dateMin");
    let last = day(query, "dateMax");
    let form = query.choice("csv_format", FileForm::NAMES);
    let request = ReportRequest {
        organization: asked.organization.id(),
        report,
        first: first.unwrap_or(Day::from_number(0)),
        last: last.unwrap_or(Day::from_number(0)),
        aggregate: query.choice("aggregate", Aggregate::NAMES).unwrap_or_default(),
        zone: query.text("timezone").unwrap_or_else(|| ZONE.to_owned()),
        role: query.choice("role", Role::NAMES),
        grouping: grouping(query, report),
        campaigns: names(query, ["campaignId", "campaignIds"]),
        apps: names(query, ["appId", "appIds"]),
        campaign_type: query.choice("campaignType", CampaignType::NAMES),
        platform: query.choice(
            "platform",
            &Platform::NAMES.iter().map(|(_, one)| (platform_name(*one), *one)).collect::<Vec<_>>(),
        ),
        ad_location: query.text("adLocation").filter(|name| name != "all"),
        ad_types: ad_types(query),
    };
    let days = first.zip(last);
    if days.is_some_and(|(first, last)| last < first) {
        query.refuse("dateMax", "must not be before dateMin");
    }
    for problem in days.map(|_| out_of_reach(state, asked, &request)).unwrap_or_default() {
        let _ = asked.query.check::<()>(Err(problem));
    }
    asked.finish()?;
    Ok((request, form))
}

fn day(query: &mut Query, name: &str) -> Option<Day> {
    let text = query.required(name)?;
    query.check(Day::parse(name, &text))
}

fn grouping(query: &mut Query, report: Report) -> Option<Grouping> {
    let text = query.list("groupBy").join(",");
    let known = match report {
        Report::Campaign => Grouping::OF_CAMPAIGNS,
        Report::App => Grouping::OF_APPS,
        Report::AppCountry | Report::Install => return None,
    };
    if text.is_empty() {
        return None;
    }
    let found = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text)).map(|(_, one)| *one);
    if found.is_none() {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        query.refuse("groupBy", format!("must be one of {}", names.join(" | ")));
    }
    found
}

/// A list that has two names.
fn names(query: &mut Query, known: [&str; 2]) -> Vec<String> {
    let mut all = Vec::new();
    for name in known {
        let given: Vec<String> = query.list(name).into_iter().filter(|text| !text.is_empty()).collect();
        if given.len() > MOST || given.iter().any(|text| text.chars().count() > LONGEST) {
            query.refuse(name, format!("must have at most {MOST} values of at most {LONGEST} characters"));
        }
        all.extend(given);
    }
    all
}

fn ad_types(query: &mut Query) -> Vec<u32> {
    let texts = query.list("adTypeIds");
    let mut found = Vec::new();
    for text in &texts {
        match text.parse().ok().filter(|id| ad_type_ids().any(|known| known == *id)) {
            Some(id) => found.push(id),
            None => {
                let known: Vec<String> = ad_type_ids().map(|id| id.to_string()).collect();
                query.refuse("adTypeIds", format!("must be among {}", known.join(", ")));
                break;
            }
        }
    }
    found
}

/// What is wrong with the days and their zone: no figures are told of days that are not kept whole.
fn out_of_reach(state: &ApiState, asked: &Asked, request: &ReportRequest) -> Vec<Invalid> {
    let days = (request.first, request.last, request.zone.as_str());
    if request.zone.is_empty() {
        return vec![Invalid::new("timezone", "must be the IANA name of a time zone")];
    }
    let sources = match sources(&asked.organization, days) {
        Ok(sources) => sources,
        Err(invalid) => return vec![invalid],
    };
    let Some(from) = sources.first().map(|source| source.from.time()) else { return Vec::new() };
    let (view, now) = (state.ledger.view(), state.catalog.now());
    let missing = integrations_ever(&asked.organization);
    let missing = missing.filter_map(|one| not_whole(&view, one, from, now));
    missing.map(|why| Invalid::new("dateMin", format!("is too early: {why}"))).collect()
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        Self::invalid(vec![invalid])
    }
}
