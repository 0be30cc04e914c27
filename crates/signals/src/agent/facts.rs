//! What is known about a user agent.

use tollgate_domain::BotClass;

/// What sort of device a user agent runs on: the values of the column `device_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceType {
    /// A phone.
    Mobile,
    /// A tablet.
    Tablet,
    /// A computer.
    Desktop,
    /// A television or a box beside it.
    Tv,
    /// No device: a crawler, a library or a headless browser.
    Bot,
    /// A console, a watch, or nothing known.
    Other,
}

impl DeviceType {
    /// The column's value.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Tablet => "tablet",
            Self::Desktop => "desktop",
            Self::Tv => "tv",
            Self::Bot => "bot",
            Self::Other => "other",
        }
    }
}

/// Which rules took a user agent for an automaton.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BotRule {
    /// The compiled-in ones.
    Builtin,
    /// `agents/crawlers.json`.
    Crawlers,
    /// `agents/regexes.yaml`.
    Parsers,
}

/// Why a user agent is an automaton's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotFacts {
    /// The sort of automaton.
    pub class: BotClass,
    /// The crawler's or library's own name, or the contradiction.
    pub name: Box<str>,
    /// Which rules said so.
    pub rule: BotRule,
}

/// What a user agent says. Unknown texts are empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentFacts {
    /// Browser family, by the names of uap-core.
    pub browser_name: Box<str>,
    /// Browser version, up to three parts.
    pub browser_version: Box<str>,
    /// System family, by the names of uap-core.
    pub os_name: Box<str>,
    /// System version.
    pub os_version: Box<str>,
    /// The sort of device.
    pub device_type: DeviceType,
    /// Device model.
    pub device_model: Box<str>,
    /// Why it is an automaton's, if it is.
    pub bot: Option<BotFacts>,
}

impl AgentFacts {
    /// The facts of a user agent without a character.
    pub(crate) fn empty() -> Self {
        Self {
            browser_name: Box::default(),
            browser_version: Box::default(),
            os_name: Box::default(),
            os_version: Box::default(),
            device_type: DeviceType::Other,
            device_model: Box::default(),
            bot: Some(BotFacts { class: BotClass::Empty, name: "empty".into(), rule: BotRule::Builtin }),
        }
    }
}
