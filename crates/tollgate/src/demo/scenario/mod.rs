//! Scenarios: labelled traffic of known attacks, and of people, through the normal way in, so that what the presets catch
//! can be measured. docs/SCENARIOS.md says what each is modelled on. The traffic is the same on every run.

mod attacks;
mod tally;
mod world;

pub(crate) use tally::{Report, TABLE_HEAD};

use super::{Silent, unnamed};
use crate::compose::OpenHouse;
use crate::failure::Failure;
use serde_json::json;
use tally::Tally;
use tollgate_catalog::{Actor, Draft, Refused, integration_defaults, new_integration};
use tollgate_domain::{EventKind, FilterGroup, FilterSpec, IntegrationId, OrganizationId};
use tollgate_intake::{Format, ImportMap, ImportRequest, import};
use tollgate_screening::Preset;
use world::World;

/// A scenario.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// One line on it, for the help.
    pub(crate) about: &'static str,
    seed: u64,
    make: fn(&mut World),
    /// What it is judged by, each by itself.
    filters: &'static [Filters],
}

/// A set of filters: two presets, and what is put beside them.
struct Filters {
    name: &'static str,
    click: u32,
    conversion: u32,
    /// Type and parameters of one more filter on conversions.
    beside: Option<(&'static str, &'static str)>,
}

const MOBILE_CPI: Filters = Filters { name: "Mobile CPI", click: 2, conversion: 102, beside: None };
const LEAD_GEN: Filters = Filters { name: "LeadGen", click: 3, conversion: 103, beside: None };
const P360: Filters = Filters { name: "AppsFlyer P360", click: 5, conversion: 102, beside: None };
const WITH_INSTALL_TIME: Filters =
    Filters { name: "Mobile CPI and install_time", beside: Some(("install_time", "{}")), ..MOBILE_CPI };

/// Every scenario, in the order of the documentation.
pub(crate) static SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "click_flood",
        about: "clicks on phones whose owners see nothing, to claim installs that come anyway",
        seed: 0xc1ec,
        make: |world| {
            world.people(40_000, 0, 7, World::phone);
            world.click_flood(160_000, 0, 7);
        },
        filters: &[MOBILE_CPI],
    },
    Scenario {
        name: "cookie_stuffing",
        about: "click links in frames nobody sees, loaded with every page",
        seed: 0xc00c,
        make: |world| {
            world.people(40_000, 0, 7, World::browser);
            world.cookie_stuffing(160_000, 0, 7);
        },
        filters: &[LEAD_GEN],
    },
    Scenario {
        name: "click_injection",
        about: "clicks reported while an app is being installed",
        seed: 0x17ec,
        make: |world| {
            world.people(40_000, 0, 7, World::phone);
            world.click_injection(12_000, 0, 7);
        },
        filters: &[MOBILE_CPI, WITH_INSTALL_TIME],
    },
    Scenario {
        name: "data_center_burst",
        about: "thousands of clicks from rented servers within twenty minutes",
        seed: 0xdc,
        make: |world| {
            world.people(20_000, 0, 1, World::phone);
            world.data_center_burst(8_000, 0, 20);
        },
        filters: &[MOBILE_CPI],
    },
    Scenario {
        name: "emulator_farm",
        about: "emulators that click, install and open by script",
        seed: 0xe111,
        make: |world| {
            world.people(30_000, 0, 3, World::phone);
            world.emulator_farm(6_000, 0, 3);
        },
        filters: &[MOBILE_CPI],
    },
    Scenario {
        name: "sub_id_mixing",
        about: "flooded clicks under sub ids that change all the time, among a publisher's real traffic",
        seed: 0x5b1d,
        make: |world| {
            world.people(30_000, 0, 7, World::phone);
            world.sub_id_mixing(120_000, 0, 7);
        },
        filters: &[MOBILE_CPI, P360],
    },
    Scenario {
        name: "duplicate_devices",
        about: "a rack of phones that click the same offers all day from changing addresses",
        seed: 0xd0b1,
        make: |world| {
            world.people(30_000, 0, 3, World::phone);
            world.duplicate_devices(120, 0, 3);
        },
        filters: &[MOBILE_CPI, P360],
    },
    Scenario {
        name: "viral_spike",
        about: "legitimate: thousands of new people in one evening, many behind carriers' shared addresses",
        seed: 0x71a1,
        make: |world| {
            world.people(10_000, 0, 2, World::phone);
            world.viral_spike(30_000, 1);
        },
        filters: &[MOBILE_CPI],
    },
    Scenario {
        name: "month",
        about: "thirty days of people, with every attack now and then",
        seed: 0x303d,
        make: |world| {
            world.people(120_000, 0, 30, World::phone);
            world.click_flood(60_000, 5, 12);
            world.click_injection(6_000, 8, 15);
            world.data_center_burst(3_000, 3, 20);
            world.data_center_burst(3_000, 17, 20);
            world.emulator_farm(4_000, 12, 15);
            world.viral_spike(12_000, 20);
            world.sub_id_mixing(20_000, 21, 28);
            world.duplicate_devices(40, 24, 27);
        },
        filters: &[MOBILE_CPI],
    },
];

/// Columns of a line that are fields of its click; the label becomes an extra parameter of both its events.
const CLICK_FIELDS: &[&str] = &[
    "publisher",
    "sub_id",
    "offer",
    "advertiser",
    "click_ip",
    "user_agent",
    "browser_languages",
    "external_transaction_id",
    "referer",
    "device_id",
    "label",
];

/// The map of every scenario's lines.
fn map() -> Result<ImportMap, Failure> {
    let fields: serde_json::Map<_, _> =
        CLICK_FIELDS.iter().map(|name| ((*name).to_owned(), json!(name))).collect();
    let conversion = json!({
        "time": "converted",
        "fields": {"conversion_ip": "conversion_ip", "begin_install_time": "begin_install_time", "revenue": "revenue", "label": "label"},
    });
    let map = json!({"time": "click_time", "fields": fields, "conversion": conversion});
    serde_json::from_value(map).map_err(Failure::because("the scenarios' map"))
}

impl Scenario {
    /// The lines of its traffic, `percent` of them.
    pub(crate) fn lines(&self, percent: u64) -> Vec<u8> {
        let mut world = World::new(self.seed, percent);
        (self.make)(&mut world);
        world.into_lines()
    }

    /// Judges `percent` of its traffic, by each of its sets of filters in an integration of its own.
    pub(crate) fn run(
        &self,
        open: &OpenHouse,
        organization: OrganizationId,
        percent: u64,
    ) -> Result<Vec<Report>, Failure> {
        let lines = self.lines(percent);
        self.filters.iter().map(|filters| self.judge(open, organization, filters, &lines)).collect()
    }

    fn judge(
        &self,
        open: &OpenHouse,
        organization: OrganizationId,
        filters: &Filters,
        lines: &[u8],
    ) -> Result<Report, Failure> {
        let integration = self.integration(open, organization, filters)?;
        let request = ImportRequest {
            integration,
            kind: EventKind::Click,
            format: Format::Ndjson,
            map: Some(map()?),
            set: Vec::new(),
        };
        let file =
            unnamed(open.house.root(), lines).map_err(Failure::because("the traffic cannot be written"))?;
        let ledger = open.house.intake.ledger();
        let before = ledger.assigned();
        import(&open.house.intake, &request, &file, &mut Silent).map_err(Failure::new)?;
        let mut tally = Tally::default();
        for record in ledger.view().scan_seq_from(before + 1) {
            if let Some(event) = record.map_err(Failure::new)?.into_event() {
                tally.count(&event);
            }
        }
        Ok(tally.report(self.name, filters.name))
    }

    /// An integration whose Default group enforces the filters.
    fn integration(
        &self,
        open: &OpenHouse,
        organization: OrganizationId,
        filters: &Filters,
    ) -> Result<IntegrationId, Failure> {
        let name = format!("{}: {}", self.name, filters.name);
        let make = |draft: &mut Draft<'_>| -> Result<IntegrationId, Refused> {
            let integration = integration_defaults(draft, &name);
            let id = integration.id;
            let group = new_integration(draft, integration, Vec::new())?;
            let default = draft.require::<FilterGroup>(group.as_str(), None)?.value.clone();
            draft.update(filters.put_into(default), None)?;
            Ok(id)
        };
        let actor = Actor::system("demo");
        let write = open.house.catalog.write(organization, &actor, make);
        open.house.runtime.block_on(write).map_err(Failure::new)
    }
}

impl Filters {
    fn put_into(&self, group: FilterGroup) -> FilterGroup {
        let presets =
            [self.click, self.conversion].into_iter().filter_map(Preset::find).filter_map(Preset::filters);
        let mut filters: Vec<FilterSpec> = presets.flatten().collect();
        filters.extend(self.beside.map(|(filter_type, params)| FilterSpec {
            filter_type: filter_type.to_owned(),
            enabled: true,
            applies_to: Some(vec![EventKind::Conversion]),
            action: Default::default(),
            params: serde_json::from_str(params).unwrap_or_default(),
        }));
        FilterGroup {
            monitoring_mode: Some(false),
            click_filter_preset_id: Some(self.click),
            conversion_filter_preset_id: self.beside.is_none().then_some(self.conversion),
            filters,
            ..group
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_traffic_is_the_same_every_time() {
        for scenario in SCENARIOS {
            let lines = scenario.lines(1);
            assert!(lines.len() > 10_000 && lines == scenario.lines(1), "{}", scenario.name);
        }
    }
}
