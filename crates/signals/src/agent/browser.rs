//! Which browser: a table of product tokens, the first that occurs wins.
//!
//! Every browser names its ancestors (Edge says Chrome and Safari), so the order is from the special to the general.

use super::text::{after, has_any, version};

pub(super) struct Browser {
    pub(super) name: &'static str,
    pub(super) version: String,
}

/// Token, name, name on a phone or tablet (empty: the same). The version stands behind the token.
#[rustfmt::skip]
pub(super) const PRODUCTS: &[(&str, &str, &str)] = &[
    // Apps with a browser inside.
    ("FBAN/Messenger", "Facebook Messenger", ""), ("FB_IAB/Orca-Android", "Facebook Messenger", ""),
    ("FBAV/", "Facebook", ""), ("FBAN/", "Facebook", ""), ("Instagram ", "Instagram", ""), ("Barcelona ", "Threads", ""),
    ("musical_ly_", "TikTok", ""), ("trill_", "TikTok", ""), ("BytedanceWebview/", "TikTok", ""), ("TikTok ", "TikTok", ""),
    ("Snapchat/", "Snapchat", ""), ("Pinterest/", "Pinterest", ""), ("[Pinterest/", "Pinterest", ""),
    ("Twitter for iPhone/", "Twitter", ""), ("TwitterAndroid", "Twitter", ""), ("LinkedInApp", "LinkedIn", ""),
    ("MicroMessenger/", "WeChat", ""), ("KAKAOTALK", "KakaoTalk", ""), (" Line/", "Line", ""), ("Viber/", "Viber", ""),
    ("GSA/", "Google", ""), ("DuckDuckGo/", "DuckDuckGo Mobile", ""), ("AlipayClient/", "AlipayClient", ""),
    // Browsers on Chromium or WebKit.
    ("EdgA/", "Edge Mobile", ""), ("EdgiOS/", "Edge Mobile", ""), ("Edg/", "Edge", "Edge Mobile"), ("Edge/", "Edge", "Edge Mobile"),
    ("Opera Mini/", "Opera Mini", ""), ("OPiOS/", "Opera Mini", ""), ("OPT/", "Opera Touch", ""), ("OPX/", "Opera GX", ""),
    ("Opera Mobi", "Opera Mobile", ""), ("OPR/", "Opera", "Opera Mobile"),
    ("SamsungBrowser/", "Samsung Internet", ""), ("UCBrowser/", "UC Browser", ""), ("UCWEB", "UC Browser", ""), ("UBrowser/", "UC Browser", ""),
    ("YaBrowser/", "Yandex Browser", ""), ("YaApp_Android/", "Yandex Browser", ""), ("Vivaldi/", "Vivaldi", ""), ("Brave/", "Brave", ""), ("Whale/", "Whale", ""),
    ("MiuiBrowser/", "MiuiBrowser", ""), ("HuaweiBrowser/", "Huawei Browser", ""), ("HeyTapBrowser/", "HeyTap Browser", ""),
    ("VivoBrowser/", "Vivo Browser", ""), ("MQQBrowser/", "QQ Browser Mobile", ""), ("QQBrowser/", "QQ Browser", ""), ("Quark/", "Quark", ""),
    ("Silk/", "Amazon Silk", ""), ("Puffin/", "Puffin", ""), ("coc_coc_browser/", "Coc Coc", ""), ("Maxthon/", "Maxthon", ""), ("Maxthon ", "Maxthon", ""),
    ("Sleipnir/", "Sleipnir", ""), ("Iron/", "Iron", ""), ("Avast/", "Avast Secure Browser", ""), ("AVG/", "AVG Secure Browser", ""), ("Ecosia ", "Ecosia", ""),
    ("CriOS/", "Chrome Mobile iOS", ""), ("FxiOS/", "Firefox iOS", ""), ("Focus/", "Firefox Focus", ""), ("Klar/", "Firefox Focus", ""),
    ("Electron/", "Electron", ""), ("QtWebEngine/", "QtWebEngine", ""), ("Falkon/", "Falkon", ""),
    // Browsers on Gecko.
    ("SeaMonkey/", "SeaMonkey", ""), ("PaleMoon/", "Pale Moon", ""), ("Waterfox/", "Waterfox", ""), ("Iceweasel/", "Iceweasel", ""),
    ("IceCat/", "IceCat", ""), ("Camino/", "Camino", ""), ("K-Meleon/", "K-Meleon", ""), ("Firefox/", "Firefox", "Firefox Mobile"),
    // Others with an engine of their own.
    ("IEMobile/", "IE Mobile", ""), ("IEMobile ", "IE Mobile", ""), ("Konqueror/", "Konqueror", ""), ("Epiphany/", "Epiphany", ""), ("Midori/", "Midori", ""),
    ("NetFront/", "NetFront", ""), ("BB10;", "BlackBerry WebKit", ""), ("PlayBook;", "BlackBerry WebKit", ""),
    ("Lynx/", "Lynx", ""), ("ELinks", "ELinks", ""), ("Links (", "Links", ""), ("w3m/", "w3m", ""),
    ("Chromium/", "Chromium", ""),
];

/// The browser of a user agent on a system.
pub(super) fn find(agent: &str, system: &str) -> Browser {
    let small = matches!(system, "Android" | "iOS" | "Windows Phone" | "KaiOS" | "HarmonyOS")
        || agent.contains("Mobile");
    for (token, name, mobile) in PRODUCTS {
        if let Some(rest) = after(agent, token) {
            // Facebook names itself first and its version later.
            let rest = if token.starts_with("FB") { after(agent, "FBAV/").unwrap_or("") } else { rest };
            return Browser {
                name: if small && !mobile.is_empty() { mobile } else { name },
                version: version(rest),
            };
        }
    }
    internet_explorer(agent)
        .or_else(|| opera(agent))
        .or_else(|| chrome(agent, system, small))
        .unwrap_or_else(|| safari(agent, system))
}

fn found(name: &'static str, rest: &str) -> Browser {
    Browser { name, version: version(rest) }
}

fn internet_explorer(agent: &str) -> Option<Browser> {
    if agent.contains("Opera") {
        return None;
    }
    let modern = || after(agent, "Trident/").and_then(|rest| after(rest, "rv:"));
    after(agent, "MSIE ").or_else(modern).map(|rest| found("IE", rest))
}

/// Opera before it moved to Chromium; its true version stands behind `Version/`.
fn opera(agent: &str) -> Option<Browser> {
    let rest = after(agent, "Opera/").or_else(|| after(agent, "Opera "))?;
    Some(found("Opera", after(agent, "Version/").unwrap_or(rest)))
}

fn chrome(agent: &str, system: &str, small: bool) -> Option<Browser> {
    let rest = after(agent, "Chrome/")?;
    let inside = system == "Android" && (has_any(agent, &["; wv)", " Version/4.0 Chrome/"]));
    Some(found(
        if inside {
            "Chrome Mobile WebView"
        } else if small {
            "Chrome Mobile"
        } else {
            "Chrome"
        },
        rest,
    ))
}

fn safari(agent: &str, system: &str) -> Browser {
    match (after(agent, "Version/").filter(|_| agent.contains("Safari/")), system) {
        // Android's first browser had no version but the system's.
        (Some(rest), "Android") => found("Android", after(agent, "Android ").unwrap_or(rest)),
        (Some(rest), "iOS") => found("Mobile Safari", rest),
        (Some(rest), _) => found("Safari", rest),
        (None, "iOS") if agent.contains("AppleWebKit/") => found("Mobile Safari UI/WKWebView", ""),
        (None, _) => {
            after(agent, "CFNetwork/").map_or_else(|| found("", ""), |rest| found("CFNetwork", rest))
        }
    }
}
