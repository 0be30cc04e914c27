//! The one table of an event's columns: name, type, and the kinds of events that have it.
//!
//! Requests, log rows, Parquet schemas, report rows, filters, exports and import maps are all driven by this table, so
//! a column is added in one place. Positions are part of the log's row format (docs/FORMATS.md): append, never reorder.

use crate::EventKind;

/// All three kinds.
pub const KINDS_ALL: &[EventKind] = &[EventKind::Click, EventKind::Conversion, EventKind::Impression];
const C: &[EventKind] = &[EventKind::Click];
const CV: &[EventKind] = &[EventKind::Click, EventKind::Conversion];
const V: &[EventKind] = &[EventKind::Conversion];
const I: &[EventKind] = &[EventKind::Impression];
const A: &[EventKind] = KINDS_ALL;

/// How a column's value is written and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// Text that is a JSON array or object, written as such.
    Json,
    /// Milliseconds since the epoch; RFC 3339 in reports.
    Time,
    /// Micro-dollars; dollars in reports.
    Money,
    /// A whole number.
    Integer,
    /// 0 or 1; `true` or `false` in reports.
    Boolean,
}

macro_rules! columns {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal, $type:ident, $kinds:expr, $given:literal, $about:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name { $(#[doc = $about] $variant),+ }

        impl $name {
            /// Every column of this sort, in the order of the row format.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The field's name on the wire and in files.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// How its values are written and compared.
            pub const fn column_type(self) -> ColumnType {
                match self { $(Self::$variant => ColumnType::$type),+ }
            }

            /// The kinds of events that have it.
            pub const fn kinds(self) -> &'static [EventKind] {
                match self { $(Self::$variant => $kinds),+ }
            }

            /// Whether a caller may send it under this very name (the others are computed here).
            pub const fn is_given(self) -> bool {
                match self { $(Self::$variant => $given),+ }
            }

            /// What it holds, in one sentence.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about),+ }
            }

            /// The column of a name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

columns!(
    /// Columns that hold text.
    Text {
        ExternalTransactionId = "external_transaction_id", Text, A, true, "The caller's own id of the event.";
        Advertiser = "advertiser", Text, A, true, "The advertiser's id.";
        Publisher = "publisher", Text, A, true, "The publisher's id.";
        OfferId = "offer_id", Text, A, true, "The offer's id; callers also say `offer`.";
        OfferName = "offer_name", Text, A, true, "The offer's name.";
        SubId = "sub_id", Text, A, true, "The publisher's first sub id.";
        SubId2 = "sub_id_2", Text, A, true, "The publisher's second sub id.";
        SubId3 = "sub_id_3", Text, A, true, "The publisher's third sub id.";
        SubId4 = "sub_id_4", Text, A, true, "The publisher's fourth sub id.";
        SubId5 = "sub_id_5", Text, A, true, "The publisher's fifth sub id.";
        SubId6 = "sub_id_6", Text, A, true, "The publisher's sixth sub id.";
        InvalidSubId = "invalid_sub_id", Text, A, false, "The sub id as sent, where a filter renamed it.";
        AdvSubId = "adv_sub_id", Text, A, true, "The advertiser's first sub id.";
        AdvSubId2 = "adv_sub_id_2", Text, A, true, "The advertiser's second sub id.";
        AdvSubId3 = "adv_sub_id_3", Text, A, true, "The advertiser's third sub id.";
        AdvSubId4 = "adv_sub_id_4", Text, A, true, "The advertiser's fourth sub id.";
        AdvSubId5 = "adv_sub_id_5", Text, A, true, "The advertiser's fifth sub id.";
        AdvSubId6 = "adv_sub_id_6", Text, A, true, "The advertiser's sixth sub id.";
        AppId = "app_id", Text, A, true, "The app's id.";
        AdLocation = "ad_location", Text, A, true, "The ad location's name within the app.";
        Campaign = "campaign", Text, A, true, "The campaign's id.";
        Creative = "creative", Text, A, true, "The creative's id.";
        AdType = "ad_type", Text, A, true, "The ad's type, e.g. `interstitial`.";
        Ip = "ip", Text, A, false, "The user's address in canonical text form.";
        Country = "country", Text, A, false, "ISO 3166-1 alpha-2 code of the address.";
        City = "city", Text, A, false, "City of the address.";
        Isp = "isp", Text, A, false, "Internet provider of the address.";
        ProxyType = "proxy_type", Text, A, false, "Kind of proxy the address belongs to.";
        UserAgent = "user_agent", Text, A, true, "The user agent as sent.";
        BrowserName = "browser_name", Text, A, false, "Browser family.";
        BrowserVersion = "browser_version", Text, A, false, "Browser version.";
        OsName = "os_name", Text, A, false, "Operating system family.";
        OsVersion = "os_version", Text, A, false, "Operating system version.";
        DeviceType = "device_type", Text, A, false, "`mobile`, `tablet`, `desktop`, `tv`, `bot` or `other`.";
        DeviceModel = "device_model", Text, A, false, "Device model.";
        DeviceId = "device_id", Text, A, true, "Advertising id of the device.";
        Fingerprint = "fingerprint", Text, A, true, "The caller's browser or device fingerprint.";
        Uuid = "uuid", Text, A, true, "The caller's id of the user.";
        BrowserLanguages = "browser_languages", Text, A, true, "Accept-Language of the browser.";
        Referer = "referer", Text, A, true, "The page the user came from.";
        SiteUrl = "site_url", Text, A, true, "The page or app the ad stood on.";
        Keyword = "keyword", Text, A, true, "The search keyword.";
        BundleId = "bundle_id", Text, A, true, "The app's bundle id.";
        UrlId = "url_id", Text, A, true, "The integration's link that was followed.";
        Currency = "currency", Text, A, true, "Currency the caller named; amounts are in USD.";
        ExtraParameters = "extra_parameters", Json, A, false, "Everything else the caller sent, as an object.";
        RedirectedTo = "redirected_to", Text, C, false, "Where the user was sent.";
        Hash = "hash", Text, V, false, "32 hex over integration, offer, publisher, transaction id and event id.";
        ClickRealTxId = "click_real_tx_id", Text, V, false, "The conversion's click.";
        EventId = "event_id", Text, V, true, "Id of an event after the conversion.";
        EventName = "event_name", Text, V, true, "Name of an event after the conversion.";
        Goal = "goal", Text, V, true, "The offer's goal that was reached.";
        ThirdPartyStatus = "third_party_status", Text, V, true, "A third party's verdict.";
        ThirdPartyRejectedReason = "third_party_rejected_reason", Text, V, true, "A third party's reason to reject.";
        FilterGroupId = "filter_group_id", Text, A, false, "The filter group that judged.";
        Rejections = "rejections", Json, A, false, "All reasons to reject, the primary one first.";
        Evidence = "evidence", Json, A, false, "For each reason: filter, observed value, threshold, window, key, data file.";
        BotClass = "bot_class", Text, A, false, "Why the user agent is taken for an automaton.";
        BotName = "bot_name", Text, A, false, "The rule or crawler that matched the user agent.";
        SearchEngine = "search_engine", Text, A, false, "The search engine whose published range the address is in.";
        ClickStatus = "click_status", Text, V, false, "The click's status when the conversion was judged.";
        ClickCountry = "click_country", Text, V, false, "The country the click came from.";
        WaterfallFrom = "waterfall_from", Text, C, false, "The rejected click whose user a waterfall offered to this click's offer.";
    }
);

columns!(
    /// Columns that hold a number.
    Number {
        RequestTime = "request_time", Time, A, false, "The event's time: the caller's, else its arrival.";
        ArrivalTime = "arrival_time", Time, A, false, "When Tollgate accepted the event.";
        Status = "status", Integer, A, false, "Approved or rejected.";
        MonitoringMode = "monitoring_mode", Boolean, A, false, "Whether the verdict was recorded but not enforced.";
        Asn = "asn", Integer, A, false, "Autonomous system of the address.";
        IsBot = "is_bot", Boolean, A, false, "Whether the user agent is an automaton's.";
        Revenue = "revenue", Money, A, true, "What the advertiser pays.";
        Payout = "payout", Money, A, true, "What the publisher gets.";
        PurchaseValue = "purchase_value", Money, V, true, "What the user paid.";
        Price = "price", Money, I, false, "The ad location's price for this impression, per thousand.";
        ClickTime = "click_time", Time, V, true, "When the user clicked.";
        ConversionTime = "conversion_time", Time, V, true, "When the user converted.";
        SessionTime = "session_time", Time, V, true, "When the session began.";
        BeginInstallTime = "begin_install_time", Time, V, true, "When the install began.";
        FinishInstallTime = "finish_install_time", Time, V, true, "When the install was finished.";
        LandingPageTime = "landing_page_time", Time, V, true, "When the landing page was shown.";
        VideoCompleted = "video_completed", Boolean, I, true, "Whether the video was watched to its end.";
        ConfigVersion = "config_version", Integer, A, false, "The configuration's revision that decided.";
        BodyHash = "body_hash", Integer, A, false, "Hash of the request an idempotency key came with.";
        TestMode = "test_mode", Boolean, I, false, "Whether the app was in test mode: such an impression earns nothing.";
        NewSubId = "new_sub_id", Boolean, CV, false, "Whether the sub id was its publisher's first of this name that day.";
        SignatureValid = "signature_valid", Boolean, C, false, "Whether the link's signature is right; absent without one.";
        SignedAt = "signed_at", Time, C, false, "When the link was signed, where its signature is right.";
        RtbOutcome = "rtb_outcome", Integer, C, false, "What came of the click's auction.";
        RtbPrice = "rtb_price", Money, C, false, "The winning bid of the click's auction, per thousand.";
        RtbMs = "rtb_ms", Integer, C, false, "Milliseconds that the click's auction took.";
        LateRejection = "late_rejection", Boolean, V, false, "Whether its source was held to be good for it until somebody rejected it later.";
        Restated = "restated", Boolean, V, false, "Whether it counted, in amounts too, until somebody rejected it later.";
    }
);

/// Any stored column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// A text column.
    Text(Text),
    /// A number column.
    Number(Number),
}

impl Column {
    /// Every column: text columns first, then numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        Text::ALL.iter().copied().map(Self::Text).chain(Number::ALL.iter().copied().map(Self::Number))
    }

    /// The column of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Text::from_name(name).map(Self::Text).or_else(|| Number::from_name(name).map(Self::Number))
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text(column) => column.name(),
            Self::Number(column) => column.name(),
        }
    }

    /// Its type.
    pub const fn column_type(self) -> ColumnType {
        match self {
            Self::Text(column) => column.column_type(),
            Self::Number(column) => column.column_type(),
        }
    }

    /// The kinds that have it.
    pub const fn kinds(self) -> &'static [EventKind] {
        match self {
            Self::Text(column) => column.kinds(),
            Self::Number(column) => column.kinds(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        let mut names: Vec<_> = Column::all().map(Column::name).collect();
        for name in &names {
            assert_eq!(Column::from_name(name).unwrap().name(), *name);
        }
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn presence_fits_the_row_format() {
        const { assert!(Text::COUNT <= 64, "text presence is one u64 of the row format") };
        const { assert!(Number::COUNT <= 32, "number presence is one u32 of the row format") };
    }
}
