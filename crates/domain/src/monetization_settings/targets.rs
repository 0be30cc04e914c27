//! What stands in the lists of the settings: store ids of blocked advertisers, devices that ads are for.

use crate::{DeviceKind, Invalid, Platform, check_line, device_kind};
use serde::{Deserialize, Serialize};

/// An app in some store, whatever the platform of the app that blocks it: advertisers are on all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoreId(String);

impl StoreId {
    /// The form, as a regular expression for documents of the API; at most 255 characters.
    pub const PATTERN: &str = r"^([0-9]{1,20}|[0-9A-Z]{10}|[0-9A-Za-z_]+(\.[0-9A-Za-z_]+)+)$";
    /// Store ids that one app may block.
    pub const MOST: usize = 1_000;

    /// Reads an id; `field` is where it stood.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        if Platform::NAMES.iter().any(|(_, platform)| platform.is_store_app_id(text)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                field,
                "must be an App Store number, an Android package such as com.example.app or an Amazon ASIN",
            ))
        }
    }
}

/// A device model or a series of models, by name. Names that we do not know are taken as they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceType(String);

impl DeviceType {
    /// Characters it has at most.
    pub const LONGEST: usize = 100;
    /// Device types that one app may target.
    pub const MOST: usize = 1_000;

    /// Reads a name; `field` is where it stood.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        check_line(field, text, Self::LONGEST)?;
        Ok(Self(text.to_owned()))
    }
}

/// Checks that devices are named by models only or by series only, as far as they are known.
pub(super) fn check_mixture(field: &str, types: &[DeviceType]) -> Result<(), Invalid> {
    let first = |kind| types.iter().find(|name| device_kind(&name.0) == Some(kind));
    match (first(DeviceKind::Model), first(DeviceKind::Series)) {
        (Some(model), Some(series)) => Err(Invalid::new(
            field,
            format!(
                "must have only models or only series, but {} is a model and {} a series",
                model.0, series.0
            ),
        )),
        _ => Ok(()),
    }
}

macro_rules! text {
    ($name:ident, $field:literal) => {
        impl $name {
            /// As it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                Self::parse($field, &text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

text!(StoreId, "store_id");
text!(DeviceType, "device_type");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_ids_have_any_stores_form() {
        for legal in ["123456789", "987654321", "com.example.app", "B00JZHEW3Q"] {
            assert_eq!(StoreId::parse("id", legal).as_ref().map(StoreId::as_str), Ok(legal));
        }
        for wrong in ["", "com", "-1", "b00jzhew3q", "１２３", "com.example.app/", "123 ", &"1".repeat(21)]
        {
            assert_eq!(StoreId::parse("id", wrong).unwrap_err().field, "id", "{wrong}");
        }
    }

    #[test]
    fn devices_are_models_or_series_but_not_both() {
        let check = |names: &[&str]| {
            let types: Vec<_> = names.iter().map(|name| DeviceType::parse("", name).unwrap()).collect();
            check_mixture("types", &types)
        };
        for legal in [
            &["iPad Air (4th generation)", "iPad 8th gen", "Commodore 64"][..],
            &["iPad Pro", "Galaxy A", "Commodore 64"],
            &["iPhone", "iPad Pro"],
            &["iPhone", "iPad 8th gen"],
            &[],
        ] {
            assert_eq!(check(legal), Ok(()), "{legal:?}");
        }
        let message =
            "must have only models or only series, but IPAD 8TH GEN is a model and Galaxy A a series";
        assert_eq!(check(&["x", "Galaxy A", "IPAD 8TH GEN"]), Err(Invalid::new("types", message)));
        assert!(DeviceType::parse("", " ").is_err());
    }
}
