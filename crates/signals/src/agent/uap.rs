//! `agents/regexes.yaml`: uap-core's parsers for browsers, systems and devices.

use super::facts::AgentFacts;
use super::text::start_of;
use crate::error::Malformed;
use ua_parser::{Extractor, Regexes};

/// What these parsers look at: browsers name themselves in far less, and a thousand expressions over the full 2 KiB would cost
/// half a millisecond for each hostile user agent.
const MAX_PARSED_BYTES: usize = 512;

/// The compiled parsers.
pub(crate) struct Parsers {
    extractor: Extractor<'static>,
    /// How many there are.
    pub(crate) entries: usize,
}

impl Parsers {
    /// Compiles the file.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let regexes: Regexes<'static> =
            serde_yaml_ng::from_slice(bytes).map_err(|error| Malformed::new(format!("YAML: {error}")))?;
        let entries =
            regexes.user_agent_parsers.len() + regexes.os_parsers.len() + regexes.device_parsers.len();
        if entries == 0 {
            return Err(Malformed::new("a file without a single parser"));
        }
        let extractor =
            Extractor::try_from(regexes).map_err(|error| Malformed::new(format!("regexes: {error}")))?;
        Ok(Self { extractor, entries })
    }

    /// Replaces the facts that these parsers know better; returns the spider's name when the device is one.
    pub(crate) fn refine(&self, agent: &str, facts: &mut AgentFacts) -> Option<String> {
        let (browser, os, device) = self.extractor.extract(start_of(agent, MAX_PARSED_BYTES));
        let mut family = None;
        if let Some(browser) = browser.filter(|browser| !VAGUE_FAMILIES.contains(&&*browser.family)) {
            // Where ours names the app around a bare engine and theirs the engine, ours says more.
            if !ENGINES.contains(&&*browser.family) || ENGINES.contains(&&*facts.browser_name) {
                facts.browser_version = join(&[browser.major, browser.minor, browser.patch]);
                facts.browser_name = (&*browser.family).into();
            }
            family = Some(browser.family.into_owned());
        }
        if let Some(os) = os.filter(|os| !os.os.is_empty() && os.os != "Other") {
            facts.os_version = join(&[os.major.as_deref(), os.minor.as_deref(), os.patch.as_deref()]);
            facts.os_name = os.os.into();
        }
        let device = device?;
        if device.device == "Spider" {
            return Some(family.unwrap_or_else(|| "Spider".into()));
        }
        // Ours is what the user agent says. Theirs stands in where ours is silent, or says more of the same ("iPhone15,4").
        if let Some(model) = device.model.filter(|model| !VAGUE_MODELS.contains(&&**model))
            && model.starts_with(&*facts.device_model)
        {
            facts.device_model = model.into();
        }
        None
    }
}

/// Families that stand for "we do not know"; Apple Mail is what they take every web view of a Mac for.
const VAGUE_FAMILIES: &[&str] = &["", "Other", "Apple Mail"];

/// Families that are an engine without the app around it.
const ENGINES: &[&str] = &[
    "",
    "Mobile Safari UI/WKWebView",
    "Mobile Safari",
    "Safari",
    "Chrome Mobile WebView",
    "Chrome Mobile",
    "Chrome",
    "Android",
    "CFNetwork",
];

/// Models that stand for "a device, we do not know which". Chrome writes `K` for all.
const VAGUE_MODELS: &[&str] =
    &["", "K", "Browser", "Smartphone", "Feature Phone", "Tablet", "Generic Smartphone", "iOS-Device"];

fn join(parts: &[Option<&str>]) -> Box<str> {
    let known: Vec<&str> = parts.iter().map_while(|part| part.filter(|part| !part.is_empty())).collect();
    known.join(".").into()
}
