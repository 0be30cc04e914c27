//! `tollgate campaign`. It writes the catalog's own file, which a running server follows: what is changed here holds there
//! within a second.

use super::{Common, QUIET, prepare};
use crate::clock::{SystemClock, SystemEntropy};
use crate::compose;
use crate::data_dir;
use crate::failure::Failure;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use tollgate_catalog::{
    Actor, Catalog, Draft, OrganizationSnapshot, Refused, new_campaign, random_object_id, update_campaign,
};
use tollgate_domain::{
    AppId, Billing, Campaign, CampaignId, CampaignStatus, CampaignType, Creative, Day, Invalid, Market,
    Money, OrganizationId, PriceTable,
};

const EXAMPLES: &str = "\
Examples:
  tollgate campaign create --data-dir ./data --name Spring --app APP
  tollgate campaign create --data-dir ./data --id tracker-7 --name Installs --app APP --billing cpi \\
    --bid default=1.50 --bid DE=2.25 --creative c1=First
  tollgate campaign list --data-dir ./data
  tollgate campaign update tracker-7 --data-dir ./data --status paused

The server may run or not; a running one follows within a second. Events name a campaign by its id. docs/ANALYTICS.md says
what campaigns pay.";

/// See, make and change campaigns
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CampaignCommand {
    #[command(subcommand)]
    command: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Show all campaigns
    ///
    /// As in `tollgate campaign list --data-dir ./data`.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Make a campaign
    ///
    /// As in `tollgate campaign create --data-dir ./data --name Spring --app APP`.
    Create {
        /// What events name it by; made up unless given
        #[arg(long, value_name = "ID")]
        id: Option<CampaignId>,
        /// network or cross_promo: in the latter nobody pays
        #[arg(long = "type", value_name = "TYPE", default_value = "network", value_parser = campaign_type)]
        campaign_type: CampaignType,
        /// The app that it promotes; never changes
        #[arg(long, value_name = "APP")]
        app: AppId,
        #[command(flatten)]
        fields: Box<FieldArgs>,
        #[command(flatten)]
        place: Place,
    },
    /// Change what is given; the rest stays as it is
    ///
    /// As in `tollgate campaign update ID --data-dir ./data --status paused`.
    Update {
        /// The campaign's id
        id: CampaignId,
        #[command(flatten)]
        fields: Box<FieldArgs>,
        #[command(flatten)]
        place: Place,
    },
    /// Delete a campaign: its events stay, and are told as before
    ///
    /// As in `tollgate campaign delete ID --data-dir ./data`.
    Delete {
        /// The campaign's id
        id: CampaignId,
        #[command(flatten)]
        place: Place,
    },
}

/// What can be said of a campaign.
#[derive(Debug, Args)]
struct FieldArgs {
    /// Friendly name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// active, paused or archived
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Option<CampaignStatus>,
    /// What is paid for: cpm (the ad location's price), cpc, cpi or cpcv
    #[arg(long, value_name = "HOW", value_parser = billing)]
    billing: Option<Billing>,
    /// What is paid for one, by country, in USD: as in default=1.50; again for each; replaces all
    #[arg(long = "bid", value_name = "COUNTRY=USD", value_parser = bid)]
    bids: Vec<(Market, Money)>,
    /// The first day, YYYY-MM-DD
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: Option<Day>,
    /// The last day
    #[arg(long, value_name = "DAY", value_parser = day)]
    to: Option<Day>,
    /// An app that it is shown in; again for each; any unless given; replaces all
    #[arg(long, value_name = "APP")]
    promote_in: Vec<AppId>,
    /// An ad of it, as in c1=First; again for each; replaces all
    #[arg(long = "creative", value_name = "ID=NAME", value_parser = creative)]
    creatives: Vec<Creative>,
}

#[derive(Debug, Args)]
struct Place {
    #[command(flatten)]
    common: Common,
    /// The organization's id; needed where there are several
    #[arg(long, value_name = "ID")]
    organization: Option<OrganizationId>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn named<T: Copy>(text: &str, known: &[(&str, T)]) -> Result<T, String> {
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let found = known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    found.ok_or_else(|| format!("must be one of {}", names.join(", ")))
}

fn campaign_type(text: &str) -> Result<CampaignType, String> {
    named(text, CampaignType::NAMES)
}

fn status(text: &str) -> Result<CampaignStatus, String> {
    named(text, CampaignStatus::NAMES)
}

fn billing(text: &str) -> Result<Billing, String> {
    named(text, Billing::NAMES)
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse("day", text).map_err(|invalid| invalid.message)
}

fn bid(text: &str) -> Result<(Market, Money), String> {
    let (market, amount) = text.split_once('=').ok_or("must be COUNTRY=USD, as in default=1.50")?;
    let market = Market::from_str(market).map_err(|invalid| invalid.message)?;
    Ok((market, Money::parse("bid", amount).map_err(|invalid| invalid.message)?))
}

fn creative(text: &str) -> Result<Creative, String> {
    let (id, name) = text.split_once('=').ok_or("must be ID=NAME, as in c1=First")?;
    Ok(Creative { id: id.to_owned(), name: name.to_owned() })
}

impl FieldArgs {
    /// `old` as it is to be.
    fn apply(&self, old: &Campaign) -> Result<Campaign, Refused> {
        let mut new = old.clone();
        if let Some(name) = &self.name {
            new.name.clone_from(name);
        }
        new.status = self.status.unwrap_or(old.status);
        new.billing = self.billing.unwrap_or(old.billing);
        new.date_min = self.from.or(old.date_min);
        new.date_max = self.to.or(old.date_max);
        if !self.bids.is_empty() {
            let named = |error: Invalid| Invalid { field: format!("bid{}", error.field), ..error };
            let table = PriceTable::new(&self.bids);
            new.bids = table.map_err(|all| Refused::Invalid(all.into_iter().map(named).collect()))?;
        }
        if !self.promote_in.is_empty() {
            new.promote_in.clone_from(&self.promote_in);
        }
        if !self.creatives.is_empty() {
            new.creatives.clone_from(&self.creatives);
        }
        match new.check() {
            wrong if wrong.is_empty() => Ok(new),
            wrong => Err(Refused::Invalid(wrong)),
        }
    }

    /// A new campaign.
    fn create(
        &self,
        draft: &Draft<'_>,
        id: Option<&CampaignId>,
        (campaign_type, app): (CampaignType, AppId),
    ) -> Result<Campaign, Refused> {
        let missing = |field: &str| Refused::Invalid(vec![Invalid::coded(field, "must be given", "missing")]);
        if self.name.is_none() {
            return Err(missing("name"));
        }
        let made_up = || random_object_id(draft.entropy()).parse::<CampaignId>();
        let id = id.cloned().map_or_else(made_up, Ok).map_err(|error| Refused::Invalid(vec![error]))?;
        self.apply(&Campaign {
            id,
            name: String::new(),
            campaign_type,
            app,
            status: CampaignStatus::default(),
            billing: Billing::default(),
            bids: PriceTable::default(),
            date_min: None,
            date_max: None,
            promote_in: Vec::new(),
            creatives: Vec::new(),
        })
    }
}

impl CampaignCommand {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let place = match &self.command {
            Which::List { place }
            | Which::Create { place, .. }
            | Which::Update { place, .. }
            | Which::Delete { place, .. } => place,
        };
        let config = prepare(&place.common.flags(), QUIET)?;
        let file = data_dir::catalog(config.data_dir()?);
        let answer = compose::runtime()?.block_on(async {
            let catalog = Catalog::open(&file, Arc::new(SystemClock), Arc::new(SystemEntropy)).await;
            let catalog = catalog.map_err(Failure::new)?;
            let answer = self.answer(&catalog, place).await;
            catalog.close().await;
            answer
        })?;
        println!("{}", if place.json { answer.to_string() } else { in_words(&answer) });
        Ok(ExitCode::SUCCESS)
    }

    async fn answer(&self, catalog: &Catalog, place: &Place) -> Result<Value, Failure> {
        let organization = super::chosen(catalog, place.organization)?;
        let id = organization.id();
        let actor = Actor::command_line();
        let written = match &self.command {
            Which::List { .. } => return Ok(list(&organization)),
            Which::Create { id: named, campaign_type, app, fields, .. } => {
                catalog
                    .write(id, &actor, |draft| {
                        let campaign = fields.create(draft, named.as_ref(), (*campaign_type, *app))?;
                        new_campaign(draft, campaign.clone())?;
                        Ok(campaign)
                    })
                    .await
            }
            Which::Update { id: named, fields, .. } => {
                catalog
                    .write(id, &actor, |draft| {
                        let old = draft.require::<Campaign>(named.as_str(), None)?;
                        let campaign = fields.apply(&old)?;
                        update_campaign(draft, campaign.clone(), None)?;
                        Ok(campaign)
                    })
                    .await
            }
            Which::Delete { id: named, .. } => {
                catalog
                    .write(id, &actor, |draft| {
                        let old = draft.require::<Campaign>(named.as_str(), None)?;
                        draft.delete::<Campaign>(named.as_str(), None)?;
                        Ok(old.value.clone())
                    })
                    .await
            }
        };
        let campaign = written.map_err(Failure::new)?;
        Ok(json!({"organization_id": id, "campaigns": [row(&campaign)]}))
    }
}

fn list(organization: &OrganizationSnapshot) -> Value {
    let rows: Vec<Value> = organization.table::<Campaign>().iter().map(|one| row(one)).collect();
    json!({"organization_id": organization.id(), "campaigns": rows})
}

fn row(campaign: &Campaign) -> Value {
    let bids = campaign.bids.iter().map(|(market, bid)| json!({"country": market, "price": bid.to_string()}));
    json!({
        "id": campaign.id.as_str(), "name": campaign.name, "campaign_type": campaign.campaign_type.name(),
        "app_id": campaign.app, "status": campaign.status.name(), "billing": campaign.billing.name(),
        "bids": bids.collect::<Vec<_>>(), "date_min": campaign.date_min.map(|day| day.to_string()),
        "date_max": campaign.date_max.map(|day| day.to_string()), "promote_in": campaign.promote_in,
        "creatives": campaign.creatives,
    })
}

/// The JSON answer, for people.
fn in_words(answer: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = answer["campaigns"].as_array().map_or(&[][..], Vec::as_slice);
    let line = |row: &Value| {
        let [id, kind, billing, status] =
            ["id", "campaign_type", "billing", "status"].map(|name| text(&row[name]));
        format!("{id:<26}{kind:<13}{billing:<9}{status:<10}{}", text(&row["name"]))
    };
    let head = format!("{:<26}{:<13}{:<9}{:<10}{}", "ID", "TYPE", "BILLING", "STATUS", "NAME");
    std::iter::once(head).chain(rows.iter().map(line)).collect::<Vec<_>>().join("\n")
}
