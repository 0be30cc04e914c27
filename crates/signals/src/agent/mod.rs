//! Facts about a user agent: browser, system, device, and whether it is an automaton.
//!
//! The compiled-in rules always run. Data files add to them: uap-core names browsers, systems and models more finely,
//! crawler-user-agents knows more crawlers by name. Names are those of uap-core either way, so that a filter's
//! `min_os_versions` means the same with and without files.

mod automaton;
mod browser;
mod contradiction;
mod crawlers;
mod device;
mod facts;
mod link;
mod ordinary;
mod system;
mod text;
mod uap;
mod words;

pub(crate) use crawlers::Crawlers;
pub use facts::{AgentFacts, BotFacts, BotRule, DeviceType};
pub(crate) use uap::Parsers;

use std::sync::Arc;
use tollgate_domain::BotClass;

/// Longer user agents are cut here before anything looks at them: no browser sends so much, and work stays bounded.
pub const MAX_AGENT_BYTES: usize = 2048;

/// The rules of one set of files.
#[derive(Default, Clone)]
pub(crate) struct AgentRules {
    pub(crate) parsers: Option<Arc<Parsers>>,
    pub(crate) crawlers: Option<Arc<Crawlers>>,
}

/// The part of a user agent that counts.
pub(crate) fn cut(agent: &str) -> &str {
    text::start_of(agent, MAX_AGENT_BYTES)
}

/// How many words and shapes the compiled-in rules know.
pub(crate) fn builtin_rules() -> usize {
    words::WORDS.iter().map(|(_, _, words)| words.len()).sum::<usize>()
        + browser::PRODUCTS.len()
        + system::SYSTEMS.len()
}

impl AgentRules {
    /// What the rules say about a user agent.
    pub(crate) fn facts(&self, agent: &str) -> AgentFacts {
        let agent = cut(agent).trim();
        if agent.is_empty() || agent == "-" {
            return AgentFacts::empty();
        }
        let system = system::find(agent);
        let browser = browser::find(agent, system.name);
        let mut facts = AgentFacts {
            browser_name: browser.name.into(),
            browser_version: browser.version.into(),
            os_name: system.name.into(),
            os_version: system.version.into(),
            device_type: device::device_type(agent, system.name),
            device_model: device::model(agent).into(),
            bot: None,
        };
        let spider = self.parsers.as_ref().and_then(|parsers| parsers.refine(agent, &mut facts));
        facts.bot = self.bot(agent, system.name, spider);
        let automaton = facts.bot.as_ref().map(|bot| bot.class);
        if let Some(BotClass::Crawler | BotClass::Library | BotClass::Headless) = automaton {
            facts.device_type = DeviceType::Bot;
        }
        facts
    }

    fn bot(&self, agent: &str, system: &str, spider: Option<String>) -> Option<BotFacts> {
        let bot = |class, name: &str, rule| BotFacts { class, name: name.into(), rule };
        let listed = || self.crawlers.as_ref()?.find(agent);
        automaton::by_word(agent)
            .map(|(class, name)| bot(class, name, BotRule::Builtin))
            .or_else(|| listed().map(|name| bot(BotClass::Crawler, name, BotRule::Crawlers)))
            .or_else(|| spider.map(|name| bot(BotClass::Crawler, &name, BotRule::Parsers)))
            .or_else(|| {
                automaton::by_shape(agent, system).map(|(class, name)| bot(class, name, BotRule::Builtin))
            })
            .or_else(|| {
                let why = contradiction::find(agent)?;
                Some(bot(BotClass::Contradiction, why, BotRule::Builtin))
            })
    }
}
