//! Who clicks in the demonstration: offers, publishers, browsers, automata, and networks reserved for such purposes.

use crate::random::Random;

/// An offer: id, name, advertiser, what a conversion brings in dollars.
pub(super) const OFFERS: &[(&str, &str, &str, &str)] = &[
    ("game-quest", "Quest of Stones", "adv-studio", "2.40"),
    ("fit-coach", "Fit Coach", "adv-health", "1.10"),
    ("bank-now", "Bank Now account", "adv-bank", "18.00"),
    ("shop-deal", "Shop Deal", "adv-retail", "0.85"),
    ("news-daily", "News Daily trial", "adv-press", "0.60"),
];

/// Publishers whose visitors are people.
pub(super) const GOOD: &[&str] = &["pub-aurora", "pub-breeze", "pub-cedar", "pub-delta", "pub-ember"];
/// Publishers that earn with clicks nobody made.
pub(super) const FLOODER: &str = "pub-torrent";
pub(super) const BOT_FARM: &str = "pub-gears";
pub(super) const HOSTER: &str = "pub-racks";

pub(super) const PLACEMENTS: &[&str] = &["home", "article", "feed", "rewarded", "search"];

pub(super) const LANGUAGES: &[&str] =
    &["en-US,en;q=0.9", "de-DE,de;q=0.9,en;q=0.6", "fr-FR,fr;q=0.8", "es-ES,es;q=0.9", "ja-JP"];

/// Networks reserved for documentation (RFC 5737), which the demonstration declares a data centre's and a VPN's.
pub(super) const DATA_CENTER: &str = "192.0.2.0/24";
pub(super) const VPN: &str = "203.0.113.0/24";

/// Browsers that people use.
pub(super) const AGENTS: &[&str] = &[
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 13; SM-A536B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
];

/// Automata: crawlers, libraries, headless browsers.
pub(super) const AUTOMATA: &[&str] = &[
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "python-requests/2.32.3",
    "curl/8.9.1",
    "Go-http-client/1.1",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/139.0.0.0 Safari/537.36",
    "",
];

/// An address of ordinary users: 198.18.0.0/15 is reserved for measurements, so nobody's is shown.
pub(crate) fn address(random: &mut Random) -> String {
    let host = 1 + random.below((1 << 17) - 2);
    format!("198.{}.{}.{}", 18 + (host >> 16), host >> 8 & 255, host & 255)
}

/// An advertising id.
pub(crate) fn device_id(random: &mut Random) -> String {
    let (a, b) = (random.next(), random.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}
