//! `bot`: the user agent is a known crawler, script library, headless browser or emulator, is missing, or contradicts
//! itself. A crawler whose address lies in its search engine's published ranges may pass.

use crate::catalogue::FilterType;
use crate::facts::{bot_class, filled};
use crate::flip::Flip;
use crate::filter::{CVI, Compiler, Filter, Judge, Observation, Report};
use crate::params::{Choice, Flag, Param, Params};
use crate::sources::Topic;
use crate::verdict::{Finding, Value};
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

/// The classes that a flag decides about.
const CLASSES: [(BotClass, &Flag); 5] = [
    (BotClass::Crawler, &CRAWLERS),
    (BotClass::Headless, &HEADLESS),
    (BotClass::Emulator, &EMULATORS),
    (BotClass::Library, &LIBRARIES),
    (BotClass::Empty, &EMPTY),
];

struct Bot {
    /// Whether each class is rejected, by its position.
    rejected: [bool; BotClass::ALL.len()],
    allow_engines: bool,
}

fn compile(params: &Params<'_>, _: &mut Compiler<'_>) -> Box<dyn Filter> {
    let mut rejected = [true; BotClass::ALL.len()];
    for (class, flag) in CLASSES {
        rejected[class as usize] = params.flag(flag);
    }
    Box::new(Bot { rejected, allow_engines: params.choice(&ENGINES) == "allow" })
}

impl Judge for Bot {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let event = seen.event;
        let Some(class) = bot_class(event) else {
            if event.text(Text::UserAgent).is_none() {
                report.abstain("user_agent");
            } else {
                report.skip("the user agent is not known to be an automaton's");
            }
            return;
        };
        let verified = class == BotClass::Crawler && filled(event, Text::SearchEngine).is_some();
        report.check(
            self.rejected[class as usize] && !(verified && self.allow_engines),
            || {
                Finding::new(Reason::Bot)
                    .observed(Value::Text(filled(event, Text::BotName).unwrap_or(class.code())))
                    .threshold(Value::Text(class.code()))
                    .data(Topic::Agents)
            },
            || self.flip(class, verified),
        );
    }
}

impl Bot {
    fn flip(&self, class: BotClass, verified: bool) -> Flip {
        let flag = CLASSES.iter().find(|(known, _)| *known == class).map(|(_, flag)| flag);
        match (flag, self.rejected[class as usize], verified) {
            (None, ..) => Flip::fact("user_agent", "if the user agent did not contradict itself"),
            (_, true, true) if self.allow_engines => ENGINES.set("reject"),
            (_, true, true) => ENGINES.set("allow"),
            (Some(flag), true, false) => flag.set(false),
            (Some(_), false, true) if self.allow_engines => {
                Flip::none("crawlers may pass, and verified search engines too")
            }
            (Some(flag), false, _) => flag.set(true),
        }
    }
}
