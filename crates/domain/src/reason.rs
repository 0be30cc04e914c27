//! Why an event was rejected, and what sort of invalid traffic it is then.

use crate::facts::coded;

coded!(
    /// A built-in rejection reason. The order is that of the filter table, so the smallest of several is the primary
    /// one. Reasons given by callers (late rejections, custom filters) are plain codes beside these.
    Reason {
        /// The integration is inactive.
        IntegrationInactive = "INTEGRATION_INACTIVE",
        /// The link's signature is wrong or missing.
        InvalidSignature = "INVALID_SIGNATURE",
        /// The signed link is too old.
        ExpiredLink = "EXPIRED_LINK",
        /// A field is outside its allowed list, in its blocked list, or empty.
        DataValidation = "DATA_VALIDATION",
        /// The sub id is malformed.
        InvalidSubId = "INVALID_SUB_ID",
        /// The device id is malformed, empty or zero.
        InvalidDeviceId = "INVALID_DEVICE_ID",
        /// The user agent is an automaton's.
        Bot = "BOT",
        /// VPN exit.
        Vpn = "VPN",
        /// Data-centre address.
        DataCenter = "DATA_CENTER",
        /// Tor exit.
        Tor = "TOR",
        /// Open proxy.
        PublicProxy = "PUBLIC_PROXY",
        /// Residential proxy.
        ResidentialProxy = "RESIDENTIAL_PROXY",
        /// Internet provider on the list.
        BlockedIsp = "BLOCKED_ISP",
        /// Country not allowed.
        GeoNotAllowed = "GEO_NOT_ALLOWED",
        /// Click and conversion come from different countries.
        GeoMismatch = "GEO_MISMATCH",
        /// Browser language not allowed.
        Language = "LANGUAGE",
        /// Operating system or browser outdated.
        OldDevice = "OLD_DEVICE",
        /// Referrer on the list.
        Referrer = "REFERRER",
        /// Keyword blocked or repeated.
        Keyword = "KEYWORD",
        /// Address seen too often.
        DuplicateIp = "DUPLICATE_IP",
        /// Caller's user id seen too often.
        DuplicateUuid = "DUPLICATE_UUID",
        /// Device id seen too often.
        DuplicateDeviceId = "DUPLICATE_DEVICE_ID",
        /// User agent (with address) seen too often.
        DuplicateUserAgent = "DUPLICATE_USER_AGENT",
        /// Fingerprint seen too often.
        DuplicateFingerprint = "DUPLICATE_FINGERPRINT",
        /// Too many clicks in the window.
        ClickFlooding = "CLICK_FLOODING",
        /// The cap is used up.
        ClickCap = "CLICK_CAP",
        /// A third party rejected the conversion.
        ThirdParty = "THIRD_PARTY",
        /// The conversion has no click.
        NoClick = "NO_CLICK",
        /// The click already has a conversion.
        DuplicateConversion = "DUPLICATE_CONVERSION",
        /// Click and conversion are too far apart.
        OutOfWindow = "OUT_OF_WINDOW",
        /// The click was rejected.
        RejectedClick = "REJECTED_CLICK",
        /// Click-to-conversion time outside its bounds.
        SessionTime = "SESSION_TIME",
        /// The install's times are out of order.
        WrongInstallTime = "WRONG_INSTALL_TIME",
        /// The click came after the install began.
        ClickInjection = "CLICK_INJECTION",
        /// Too many quick conversions.
        LowSessionTime = "LOW_SESSION_TIME",
        /// Too many slow conversions.
        ClickSpam = "CLICK_SPAM",
        /// Conversion rate too low.
        ConversionRateLow = "CONVERSION_RATE_LOW",
        /// Conversion rate too high.
        ConversionRateHigh = "CONVERSION_RATE_HIGH",
        /// Too many of the source's conversions were rejected.
        RejectionThreshold = "REJECTION_THRESHOLD",
        /// A custom condition held.
        Custom = "CUSTOM",
    }
);

/// What sort of invalid traffic a rejected event is, as the MRC's guidelines tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InvalidTraffic {
    /// General: lists and simple parameters tell it.
    General,
    /// Sophisticated: it takes comparing several events or facts.
    Sophisticated,
    /// Not invalid, but not what was booked; and reasons that callers gave.
    Terms,
}

impl InvalidTraffic {
    /// Every sort.
    pub const ALL: [Self; 3] = [Self::General, Self::Sophisticated, Self::Terms];

    /// Its short name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::General => "givt",
            Self::Sophisticated => "sivt",
            Self::Terms => "terms",
        }
    }

    /// Its name for people.
    pub const fn about(self) -> &'static str {
        match self {
            Self::General => "General invalid traffic (GIVT)",
            Self::Sophisticated => "Sophisticated invalid traffic (SIVT)",
            Self::Terms => "Outside the terms, or for a reason of its own",
        }
    }

    /// That of a primary reason, by its code.
    pub fn of(code: &str) -> Self {
        use Reason as R;
        match Reason::from_code(code) {
            Some(
                R::InvalidSignature
                | R::ExpiredLink
                | R::DataValidation
                | R::InvalidSubId
                | R::InvalidDeviceId
                | R::Bot
                | R::DataCenter
                | R::BlockedIsp
                | R::Referrer
                | R::DuplicateIp
                | R::DuplicateUuid
                | R::DuplicateDeviceId
                | R::DuplicateUserAgent
                | R::DuplicateFingerprint
                | R::DuplicateConversion,
            ) => Self::General,
            Some(
                R::Vpn
                | R::Tor
                | R::PublicProxy
                | R::ResidentialProxy
                | R::GeoMismatch
                | R::OldDevice
                | R::ClickFlooding
                | R::ThirdParty
                | R::NoClick
                | R::RejectedClick
                | R::SessionTime
                | R::WrongInstallTime
                | R::ClickInjection
                | R::LowSessionTime
                | R::ClickSpam
                | R::ConversionRateLow
                | R::ConversionRateHigh
                | R::RejectionThreshold,
            ) => Self::Sophisticated,
            Some(
                R::IntegrationInactive
                | R::GeoNotAllowed
                | R::Language
                | R::Keyword
                | R::ClickCap
                | R::OutOfWindow
                | R::Custom,
            )
            | None => Self::Terms,
        }
    }
}
