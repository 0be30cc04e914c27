//! Which sort of device, and which model.

use super::facts::DeviceType;
use super::system::is_feature_phone;
use super::text::{after, has_any};

const TELEVISIONS: &[&str] = &[
    "SmartTV",
    "SMART-TV",
    "Smart-TV",
    "Smart TV",
    "GoogleTV",
    "Google TV",
    "Android TV",
    "AndroidTV",
    "AppleTV",
    "Apple TV",
    "HbbTV",
    "Web0S",
    "BRAVIA",
    "CrKey",
    "Roku",
    "NetCast",
    "VIDAA",
    "TV Safari",
    "; AFT",
    "MiTV",
    "DTV",
    "Opera TV",
    "Viera",
];
const CONSOLES: &[&str] = &["PlayStation", "PLAYSTATION", "Nintendo", "Xbox"];
const TABLETS: &[&str] = &[
    "iPad",
    "Tablet",
    "tablet",
    "PlayBook",
    "; KF",
    "SM-T",
    "SM-X",
    "Lenovo TB",
    "Nexus 7",
    "Nexus 9",
    "Nexus 10",
    "Kindle Fire",
    "MediaPad",
    "Xoom",
];

/// The device's sort, as far as the user agent tells.
pub(super) fn device_type(agent: &str, system: &str) -> DeviceType {
    if has_any(agent, TELEVISIONS) || system == "tvOS" {
        return DeviceType::Tv;
    }
    if has_any(agent, CONSOLES) || system == "watchOS" {
        return DeviceType::Other;
    }
    if has_any(agent, TABLETS) && !agent.contains("Windows NT") {
        return DeviceType::Tablet;
    }
    match system {
        // Browsers on Android say "Mobile" on phones only; apps do not say it at all.
        "Android" if agent.starts_with("Mozilla/") && !has_any(agent, &["Mobile", "Mobi"]) => {
            DeviceType::Tablet
        }
        "Android" | "iOS" | "Windows Phone" | "Windows CE" | "Windows Mobile" | "KaiOS" | "HarmonyOS"
        | "Symbian OS" | "BlackBerry OS" | "MeeGo" | "Maemo" | "Bada" | "Sailfish" => DeviceType::Mobile,
        "" if is_feature_phone(agent) => DeviceType::Mobile,
        "" | "Tizen" | "webOS" if agent.contains("Mobile") => DeviceType::Mobile,
        "Tizen" => DeviceType::Tv,
        "" | "webOS" => DeviceType::Other,
        _ => DeviceType::Desktop,
    }
}

/// The model: Apple's families by name, on Android what stands behind the version. Empty when it does not say.
pub(super) fn model(agent: &str) -> &str {
    if agent.contains("Windows") {
        return "";
    }
    for name in ["iPod", "iPhone", "iPad", "Macintosh"] {
        if agent.contains(name) {
            return if name == "Macintosh" { "Mac" } else { name };
        }
    }
    android_model(agent).unwrap_or_default()
}

/// In `(Linux; U; Android 4.3; es-es; GT-I9300 Build/JSS15J)` the part behind the version that is neither a language nor a mark.
pub(super) fn android_model(agent: &str) -> Option<&str> {
    let rest = after(agent, "Android")?;
    let rest = &rest[..rest.find(')').unwrap_or(rest.len())];
    let language = |part: &str| {
        let bytes = part.as_bytes();
        matches!(bytes, [a, b] | [a, b, b'-' | b'_', _, _] if a.is_ascii_lowercase() && b.is_ascii_lowercase())
    };
    let mark = |part: &str| {
        part.len() < 2
            || matches!(part, "wv" | "Mobile" | "Tablet" | "arm_64" | "arm64")
            || part.starts_with("rv:")
            || part.starts_with("Opera M")
    };
    let part = rest.split(';').skip(1).map(str::trim).find(|part| !mark(part) && !language(part))?;
    let model = part.split(" Build").next().unwrap_or(part).split("Build/").next().unwrap_or(part).trim();
    (!model.is_empty() && model.len() <= 64).then_some(model)
}
