//! Which operating system: a table of tokens, the first that occurs wins.

use super::text::{after, has_any, version};

pub(super) struct System {
    pub(super) name: &'static str,
    pub(super) version: String,
}

/// How a system's version is found.
pub(super) enum Version {
    /// Behind the token.
    Behind,
    /// Behind another text.
    After(&'static str),
    /// By the number behind `Windows NT `.
    Windows,
    /// Nowhere.
    None,
}
use Version::{After, Behind, None as Unsaid, Windows};

/// Token, name, version.
#[rustfmt::skip]
pub(super) const SYSTEMS: &[(&str, &str, Version)] = &[
    ("Windows Phone", "Windows Phone", After("Windows Phone ")), ("IEMobile", "Windows Phone", Unsaid), ("Windows CE", "Windows CE", Unsaid), ("Windows Mobile", "Windows Mobile", Unsaid),
    ("Xbox", "Windows", Windows),
    ("PlayStation", "PlayStation", Unsaid), ("PLAYSTATION", "PlayStation", Unsaid), ("Nintendo", "Nintendo", Unsaid),
    ("Roku/", "Roku", After("Roku/DVP-")), ("Roku", "Roku", Unsaid), ("Tizen", "Tizen", After("Tizen ")), ("Web0S", "webOS", Unsaid), ("webOS", "webOS", After("webOS/")), ("hpwOS", "webOS", After("hpwOS/")),
    ("NetCast", "NetCast", Unsaid), ("VIDAA", "VIDAA", Unsaid), ("HbbTV", "HbbTV", Behind),
    ("KAIOS/", "KaiOS", Behind), ("KaiOS", "KaiOS", Unsaid), ("OpenHarmony", "HarmonyOS", After("OpenHarmony ")), ("HarmonyOS", "HarmonyOS", Unsaid),
    ("Windows NT", "Windows", Windows), ("Windows 98", "Windows", After("Windows ")), ("Win98", "Windows", Unsaid), ("Windows 95", "Windows", After("Windows ")), ("Windows XP", "Windows", Unsaid), ("Windows", "Windows", Unsaid), ("WinNT", "Windows", Unsaid),
    ("Apple TV", "tvOS", After("tvOS ")), ("AppleTV", "tvOS", Unsaid), ("tvOS", "tvOS", Behind), ("watchOS", "watchOS", After("watchOS ")), ("Watch OS", "watchOS", Unsaid), ("visionOS", "visionOS", Unsaid),
    ("iPhone OS ", "iOS", Behind), ("CPU OS ", "iOS", Behind), ("iPhone", "iOS", After("iOS ")), ("iPad", "iOS", After("iOS ")), ("iPod", "iOS", Unsaid), ("iOS", "iOS", After("iOS ")),
    ("CrOS", "Chrome OS", After("CrOS x86_64 ")), ("CrKey", "Chromecast", After("CrKey/")),
    ("Android", "Android", After("Android ")), ("Adr ", "Android", Behind), ("Dalvik/", "Android", Unsaid),
    ("Mac OS X", "Mac OS X", After("Mac OS X ")), ("macOS", "Mac OS X", After("macOS ")), ("Macintosh", "Mac OS X", Unsaid), ("Mac_PowerPC", "Mac OS", Unsaid), ("Mac OS", "Mac OS", Unsaid), ("MacBook", "Mac OS X", Unsaid),
    ("CFNetwork/", "iOS", Unsaid),
    ("BB10", "BlackBerry OS", After("Version/")), ("BlackBerry", "BlackBerry OS", After("Version/")), ("PlayBook", "BlackBerry Tablet OS", Unsaid),
    ("Symbian", "Symbian OS", Unsaid), ("SymbOS", "Symbian OS", Unsaid), ("Series60", "Symbian OS", Unsaid), ("Series 60", "Symbian OS", Unsaid), ("MeeGo", "MeeGo", Unsaid), ("Maemo", "Maemo", Unsaid), ("Sailfish", "Sailfish", Unsaid), ("Bada/", "Bada", Behind),
    ("Fuchsia", "Fuchsia", Unsaid), ("Ubuntu", "Ubuntu", After("Ubuntu/")), ("Fedora", "Fedora", Unsaid), ("Debian", "Debian", Unsaid),
    ("FreeBSD", "FreeBSD", Unsaid), ("OpenBSD", "OpenBSD", Unsaid), ("NetBSD", "NetBSD", Unsaid), ("DragonFly", "DragonFly BSD", Unsaid), ("SunOS", "Solaris", Unsaid), ("Haiku", "Haiku", Unsaid), ("OS/2", "OS/2", Unsaid), ("AmigaOS", "AmigaOS", Unsaid), ("Amiga", "AmigaOS", Unsaid),
    ("RISC OS", "RISC OS", Unsaid), ("AIX", "AIX", Unsaid), ("HP-UX", "HP-UX", Unsaid), ("IRIX", "IRIX", Unsaid), ("BeOS", "BeOS", Unsaid),
    ("Linux", "Linux", Unsaid), ("X11", "Linux", Unsaid),
];

/// Phones before the smart ones say what Java they run instead of a system.
const FEATURE_PHONES: &[&str] = &[
    "MIDP",
    "CLDC",
    "J2ME",
    "UP.Browser",
    "UP.Link",
    "BREW",
    "Brew MP",
    "WAP Browser",
    "WAP2",
    "Obigo",
    "Teleca",
    "Nokia",
    "NOKIA",
    "SAMSUNG-",
    "SonyEricsson",
    "LG-",
    "LGE-",
    "MOT-",
    "DoCoMo",
    "KDDI-",
    "SoftBank",
    "Vodafone/",
    "J-PHONE",
    "MAUI",
    "MTK",
    "Opera Mini",
    "UCWEB",
    "Polaris/",
    "Dolfin/",
    "Spreadtrum",
    "Kindle/",
];

/// Windows versions by their NT numbers, by the names they were sold under.
const WINDOWS: &[(&str, &str)] = &[
    ("10.", "10"),
    ("6.4", "10"),
    ("6.3", "8.1"),
    ("6.2", "8"),
    ("6.1", "7"),
    ("6.0", "Vista"),
    ("5.2", "XP"),
    ("5.1", "XP"),
    ("5.0", "2000"),
    ("4.0", "NT"),
];

/// The system a user agent names; an empty name when none.
pub(super) fn find(agent: &str) -> System {
    // Windows Phone pretends to be every other system, so the table begins with it.
    for (token, name, how) in SYSTEMS {
        if !agent.contains(token) {
            continue;
        }
        let version = match how {
            Behind => after(agent, token).map(version),
            After(text) => after(agent, text).map(version),
            Windows => after(agent, "Windows NT ").map(windows),
            Unsaid => None,
        };
        return System { name, version: version.unwrap_or_default() };
    }
    System { name: "", version: String::new() }
}

/// Whether it is an old phone, that names no system.
pub(super) fn is_feature_phone(agent: &str) -> bool {
    has_any(agent, FEATURE_PHONES)
}

fn windows(text: &str) -> String {
    WINDOWS
        .iter()
        .find(|(number, _)| text.starts_with(number))
        .map_or_else(|| version(text), |(_, name)| (*name).to_owned())
}
