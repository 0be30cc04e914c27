//! One immutable set of rules and files: what requests read. It is replaced as a whole, never changed.

use crate::agent::{AgentFacts, AgentRules, BotRule};
use crate::cache::AgentCache;
use crate::ip::{AddressMap, AsnTable, GeoTable, Spans};
use crate::source::{Source, SourceKind, Topic};
use crate::store::{Data, Loaded};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tollgate_domain::{BotClass, Country, Event, Number, ProxyKind, Text, Timestamp};

/// Sets made so far in this process; tells caches which set their facts are of.
static GENERATIONS: AtomicU64 = AtomicU64::new(0);

/// What is known about an address.
#[derive(Debug, Clone, Copy, Default)]
pub struct IpFacts<'a> {
    /// Its country.
    pub country: Option<Country>,
    /// Its city.
    pub city: Option<&'a str>,
    /// Its autonomous system.
    pub asn: Option<u32>,
    /// Its provider.
    pub isp: Option<&'a str>,
    /// What kind of proxy its most specific range is of, and the list that says so.
    pub proxy: Option<(ProxyKind, &'a Source)>,
    /// The search engine whose published range it is in: the list's file stem.
    pub search_engine: Option<&'a str>,
}

/// A set of rules and files.
pub struct SignalSet {
    generation: u64,
    sources: Vec<Source>,
    /// With cities first, then other MMDB files, then text tables; the first that knows answers.
    geo: Vec<Arc<GeoTable>>,
    asn: Vec<Arc<AsnTable>>,
    /// Values are indexes into `proxies`.
    proxy_map: AddressMap,
    proxies: Vec<(ProxyKind, usize)>,
    /// Values are indexes into `engines`.
    engine_map: AddressMap,
    engines: Vec<Box<str>>,
    agents: AgentRules,
}

impl SignalSet {
    /// The set of these files.
    pub(crate) fn new(files: &[Loaded], now: Timestamp) -> Self {
        let mut sources = vec![Source::builtin(now)];
        let (mut geo, mut asn, mut agents) = (Vec::new(), Vec::new(), AgentRules::default());
        let (mut proxy_spans, mut proxies) = (Spans::default(), Vec::new());
        let (mut engine_spans, mut engines) = (Spans::default(), Vec::new());
        for file in files {
            let place = sources.len();
            sources.push(file.source.clone());
            match (&file.data, file.source.kind) {
                (Some(Data::Geo(table)), _) => geo.push(table.clone()),
                (Some(Data::Asn(table)), _) => asn.push(table.clone()),
                (Some(Data::Ranges(spans)), SourceKind::Ranges(kind)) => match kind.proxy() {
                    Some(proxy) => {
                        proxy_spans.extend_as(spans, proxies.len() as u32, kind as u8);
                        proxies.push((proxy, place));
                    }
                    None => {
                        engine_spans.extend_as(spans, engines.len() as u32, 0);
                        engines.push(stem(&file.source.name).into());
                    }
                },
                (Some(Data::Parsers(parsers)), _) => agents.parsers = Some(parsers.clone()),
                (Some(Data::Crawlers(crawlers)), _) => agents.crawlers = Some(crawlers.clone()),
                (Some(Data::Ranges(_)) | None, _) => {}
            }
        }
        geo.sort_by_key(|table: &Arc<GeoTable>| (!table.has_cities, table.built.is_none()));
        let (proxy_map, engine_map) = (AddressMap::new(proxy_spans), AddressMap::new(engine_spans));
        let generation = GENERATIONS.fetch_add(1, Ordering::Relaxed) + 1;
        Self { generation, sources, geo, asn, proxy_map, proxies, engine_map, engines, agents }
    }

    /// Differs between any two sets of the process; never 0.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The compiled-in rules, then every data file, by kind and name.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The source that answers for a topic: the first file in use, the compiled-in rules where they serve.
    pub fn source_for(&self, topic: Topic) -> Option<&Source> {
        let answers = |source: &&Source| {
            source.in_use
                && match (topic, source.kind) {
                    (Topic::Proxy(proxy), SourceKind::Ranges(kind)) => kind.proxy() == Some(proxy),
                    (Topic::SearchEngine, SourceKind::Ranges(kind)) => kind.proxy().is_none(),
                    (Topic::Geo, SourceKind::Geo) | (Topic::Asn, SourceKind::Asn) => true,
                    (Topic::Agents, SourceKind::Parsers) | (Topic::Bots, SourceKind::Crawlers) => true,
                    _ => false,
                }
        };
        let builtin = matches!(topic, Topic::Agents | Topic::Bots);
        self.sources.iter().find(answers).or_else(|| self.sources.first().filter(|_| builtin))
    }

    /// The source of a bot's verdict.
    pub fn source_of_rule(&self, rule: BotRule) -> Option<&Source> {
        let kind = match rule {
            BotRule::Builtin => SourceKind::Builtin,
            BotRule::Crawlers => SourceKind::Crawlers,
            BotRule::Parsers => SourceKind::Parsers,
        };
        self.sources.iter().find(|source| source.kind == kind)
    }

    /// Memory of the address lookup structures.
    pub fn memory(&self) -> usize {
        let tables: usize = self.sources.iter().map(|source| source.memory).sum();
        tables + self.proxy_map.bytes() + self.engine_map.bytes()
    }

    /// What the files know about an address. An IPv4 address in IPv6 clothes counts as the IPv4 one.
    pub fn lookup_ip(&self, ip: IpAddr) -> IpFacts<'_> {
        let ip = ip.to_canonical();
        let mut facts = IpFacts::default();
        if let Some(place) = self.geo.iter().find_map(|table| table.get(ip)) {
            facts.country = place.country;
            facts.city = Some(&*place.city).filter(|city| !city.is_empty());
        }
        if let Some(network) = self.asn.iter().find_map(|table| table.get(ip)) {
            facts.asn = network.asn;
            facts.isp = Some(&*network.isp).filter(|isp| !isp.is_empty());
        }
        facts.proxy = self.proxy_map.get(ip).map(|at| {
            let (kind, source) = self.proxies[at as usize];
            (kind, &self.sources[source])
        });
        facts.search_engine = self.engine_map.get(ip).map(|at| &*self.engines[at as usize]);
        facts
    }

    /// What the rules say about a user agent. Costs tens of microseconds: hot paths ask an [`AgentCache`].
    pub fn agent(&self, agent: &str) -> Arc<AgentFacts> {
        Arc::new(self.agents.facts(agent))
    }

    /// Writes all that is known about the event's address and user agent into its columns.
    ///
    /// An empty user agent is a fact. An absent column means that nobody looked: an import without that column, a
    /// batch or a postback from a server; nothing is said about it then.
    pub fn enrich(&self, event: &mut Event, cache: &mut AgentCache) {
        if let Some(ip) = event.text(Text::Ip).and_then(|ip| ip.parse().ok()) {
            write_ip(event, &self.lookup_ip(ip));
        }
        if let Some(agent) = event.text(Text::UserAgent) {
            let facts = cache.facts(self, agent);
            write_agent(event, facts);
        }
    }
}

fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.split('.').next().unwrap_or(file)
}

fn write_ip(event: &mut Event, facts: &IpFacts<'_>) {
    if let Some(country) = &facts.country {
        event.set_text(Text::Country, country.as_str());
    }
    if let Some((kind, _)) = facts.proxy {
        event.set_text(Text::ProxyType, kind.code());
    }
    if let Some(asn) = facts.asn {
        event.set_number(Number::Asn, i64::from(asn));
    }
    for (column, value) in
        [(Text::City, facts.city), (Text::Isp, facts.isp), (Text::SearchEngine, facts.search_engine)]
    {
        if let Some(value) = value {
            event.set_text(column, value);
        }
    }
}

fn write_agent(event: &mut Event, facts: &AgentFacts) {
    let texts = [
        (Text::BrowserName, &facts.browser_name),
        (Text::BrowserVersion, &facts.browser_version),
        (Text::OsName, &facts.os_name),
        (Text::OsVersion, &facts.os_version),
        (Text::DeviceModel, &facts.device_model),
    ];
    for (column, value) in texts {
        if !value.is_empty() {
            event.set_text(column, value);
        }
    }
    let bot = facts.bot.as_ref();
    if bot.is_none_or(|bot| bot.class != BotClass::Empty) {
        event.set_text(Text::DeviceType, facts.device_type.code());
    }
    event.set_number(Number::IsBot, i64::from(bot.is_some()));
    if let Some(bot) = bot {
        event.set_text(Text::BotClass, bot.class.code());
        event.set_text(Text::BotName, &bot.name);
    }
}
