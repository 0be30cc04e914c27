//! Device models and series that we know by name. Targeting names either models or series, never both at once; a name
//! that is not known here may be either, so nothing is said about it.

use std::collections::HashMap;
use std::sync::LazyLock;

const DATA: &str = include_str!("devices.tsv");

/// What a device name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// One device: iPad Air 2.
    Model,
    /// A line of devices: iPad Pro.
    Series,
}

impl DeviceKind {
    /// `model` or `series`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Series => "series",
        }
    }
}

/// A known name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// The platform of its apps: `ios`, `android` or `amazon`.
    pub platform: &'static str,
    /// What the name stands for.
    pub kind: DeviceKind,
    /// The name.
    pub name: &'static str,
}

#[derive(Default, Clone, Copy)]
struct Meanings {
    model: bool,
    series: bool,
}

struct Catalogue {
    devices: Vec<Device>,
    meanings: HashMap<String, Meanings>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let mut catalogue = Catalogue { devices: Vec::new(), meanings: HashMap::new() };
    for device in DATA.lines().filter(|line| !line.starts_with('#')).filter_map(read) {
        let meanings = catalogue.meanings.entry(device.name.to_lowercase()).or_default();
        match device.kind {
            DeviceKind::Model => meanings.model = true,
            DeviceKind::Series => meanings.series = true,
        }
        catalogue.devices.push(device);
    }
    catalogue
});

fn read(line: &'static str) -> Option<Device> {
    let mut columns = line.split('\t');
    let (platform, kind, name) = (columns.next()?, columns.next()?, columns.next()?);
    let kind = [DeviceKind::Model, DeviceKind::Series].into_iter().find(|one| one.name() == kind)?;
    Some(Device { platform, kind, name })
}

/// Every known name, series first. A name that stands for both is here twice.
pub fn devices() -> &'static [Device] {
    &CATALOGUE.devices
}

/// What a name stands for, without regard to case. `None` when it is not known or stands for both: the first of a
/// series often bears its name.
pub fn device_kind(name: &str) -> Option<DeviceKind> {
    match CATALOGUE.meanings.get(&name.to_lowercase())? {
        Meanings { model: true, series: false } => Some(DeviceKind::Model),
        Meanings { model: false, series: true } => Some(DeviceKind::Series),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_line_is_read_and_no_name_repeats_within_a_kind() {
        let lines = DATA.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(devices().len(), lines);
        let mut seen = HashSet::new();
        for device in devices() {
            assert!(["ios", "android", "amazon"].contains(&device.platform), "{device:?}");
            assert!(seen.insert((device.kind.name(), device.name.to_lowercase())), "{device:?}");
        }
    }

    #[test]
    fn names_are_models_series_both_or_unknown() {
        for model in
            ["iPad Air (4th generation)", "iPad 8th gen", "ipad 8TH GEN", "Galaxy S24 Ultra", "Fire Max 11"]
        {
            assert_eq!(device_kind(model), Some(DeviceKind::Model), "{model}");
        }
        for series in ["iPad Pro", "Galaxy A", "Fire HD 8"] {
            assert_eq!(device_kind(series), Some(DeviceKind::Series), "{series}");
        }
        for open in ["iPad Air", "iPhone", "Commodore 64", ""] {
            assert_eq!(device_kind(open), None, "{open}");
        }
    }
}
