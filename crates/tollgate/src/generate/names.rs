//! Values that a made-up history draws from, the frequent ones first.

pub(super) const COUNTRIES: &[&str] = &[
    "US", "IN", "BR", "DE", "ID", "GB", "MX", "FR", "JP", "TR", "PH", "IT", "ES", "RU", "VN", "CA", "KR",
    "PL", "TH", "EG", "AR", "AU", "CO", "NL", "PK", "SA", "UA", "ZA", "MY", "NG", "BD", "RO", "CL", "PE",
    "SE", "BE", "AE", "PT", "CZ", "GR", "HU", "AT", "CH", "IL", "MA", "KE", "DZ", "IQ", "KZ", "SG", "HK",
    "TW", "DK", "FI", "NO", "IE", "NZ", "BG", "RS", "SK",
];
pub(super) const PLACEMENTS: &[&str] =
    &["Default", "Level Complete", "Home Screen", "Game Over", "Pause", "Startup", "Achievements", "Quests"];
pub(super) const LANGUAGES: &[&str] = &[
    "en-US,en;q=0.9",
    "hi-IN,hi;q=0.9",
    "pt-BR,pt;q=0.9",
    "de-DE,de;q=0.9,en;q=0.6",
    "es-MX,es;q=0.9",
    "fr-FR,fr;q=0.8",
    "ja-JP",
    "tr-TR",
];
/// A reason with the filter that gives it and the field it is about.
pub(super) const REASONS: &[(&str, &str, &str)] = &[
    ("DUPLICATE_IP", "duplicate_user", "ip"),
    ("BOT", "bot", "user_agent"),
    ("CLICK_FLOODING", "click_flooding", "publisher"),
    ("VPN", "proxy", "ip"),
    ("GEO_NOT_ALLOWED", "geo", "country"),
    ("DUPLICATE_DEVICE_ID", "duplicate_user", "device_id"),
    ("OLD_DEVICE", "old_device", "os_version"),
    ("DATA_CENTER", "proxy", "ip"),
];
