//! `bot`: the user agent is a known crawler, script library, headless browser or emulator, is missing, or contradicts
//! itself. A crawler whose address lies in its search engine's published ranges may pass.

use crate::catalogue::FilterType;
use crate::facts::{bot_class, filled};
use crate::filter::{CVI, Compiler, Filter, Observation};
use crate::params::{Choice, Flag, Param, Params};
use crate::sources::Topic;
use crate::verdict::{Finding, Report, Value};
use tollgate_domain::{BotClass, Reason, Text};

const CRAWLERS: Flag = Flag { name: "crawlers", default: true, about: "Reject declared crawlers and fetchers." };
const HEADLESS: Flag = Flag { name: "headless", default: true, about: "Reject headless browsers." };
const EMULATORS: Flag = Flag { name: "emulators", default: true, about: "Reject emulated devices." };
const LIBRARIES: Flag =
    Flag { name: "libraries", default: true, about: "Reject script libraries and command-line clients." };
const EMPTY: Flag =
    Flag { name: "empty_user_agent", default: true, about: "Reject events with an empty user agent." };
const ENGINES: Choice = Choice {
    name: "verified_search_engines",
    default: "allow",
    options: &["allow", "reject"],
    about: "What happens to crawlers whose address is in their search engine's published ranges. Without a data \
            file of ranges none is verified.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "bot",
    about: "Rejects automata by their user agent.",
    kinds: CVI,
    reasons: &[Reason::Bot],
    params: &[
        Param::Flag(&CRAWLERS),
        Param::Flag(&HEADLESS),
        Param::Flag(&EMULATORS),
        Param::Flag(&LIBRARIES),
        Param::Flag(&EMPTY),
        Param::Choice(&ENGINES),
    ],
    check: FilterType::NO_CHECK,
    compile,
};

struct Bot {
    /// Whether each class is rejected, by its position.
    rejected: [bool; BotClass::ALL.len()],
    allow_engines: bool,
}

fn compile(params: &Params<'_>, _: &mut Compiler<'_>) -> Box<dyn Filter> {
    let mut rejected = [true; BotClass::ALL.len()];
    for (class, flag) in [
        (BotClass::Crawler, &CRAWLERS),
        (BotClass::Headless, &HEADLESS),
        (BotClass::Emulator, &EMULATORS),
        (BotClass::Library, &LIBRARIES),
        (BotClass::Empty, &EMPTY),
    ] {
        rejected[class as usize] = params.flag(flag);
    }
    Box::new(Bot { rejected, allow_engines: params.choice(&ENGINES) == "allow" })
}

impl Filter for Bot {
    fn evaluate(&self, seen: &Observation<'_>, report: &mut Report<'_>) {
        let event = seen.event;
        let Some(class) = bot_class(event) else {
            if event.text(Text::UserAgent).is_none() {
                report.abstain("user_agent");
            }
            return;
        };
        let verified = class == BotClass::Crawler && filled(event, Text::SearchEngine).is_some();
        if !self.rejected[class as usize] || (verified && self.allow_engines) {
            return;
        }
        report.fire(
            &Finding::new(Reason::Bot)
                .observed(Value::Text(filled(event, Text::BotName).unwrap_or(class.code())))
                .threshold(Value::Text(class.code()))
                .data(Topic::Agents),
        );
    }
}
