//! Imports through a real catalog and ledger in a temporary directory.

use super::*;
use crate::{Intake, IntakeOptions, Parts};
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use tollgate_catalog::init::{InitOptions, initialise};
use tollgate_catalog::{Catalog, FILE_NAME};
use tollgate_domain::{Clock, Entropy, Event, EventKind, IntegrationId, Number, Text, Timestamp};
use tollgate_ledger::disk::RealDisk;
use tollgate_ledger::{Options, Running};
use tollgate_signals::Signals;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

struct Still;
impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
}
impl Entropy for Still {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = std::hash::RandomState::new();
        for byte in bytes {
            use std::hash::{BuildHasher, Hasher};
            *byte = state.build_hasher().finish() as u8;
            state = std::hash::RandomState::new();
        }
    }
}

struct House {
    intake: Arc<Intake>,
    integration: IntegrationId,
    running: Option<Running>,
    _runtime: tokio::runtime::Runtime,
    dir: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let made = runtime
            .block_on(initialise(dir.path(), &InitOptions::default(), Arc::new(Still), Arc::new(Still)))
            .unwrap();
        let mut house = Self::open(runtime, dir, made.integration_id);
        house.start();
        house
    }

    fn open(runtime: tokio::runtime::Runtime, dir: tempfile::TempDir, integration: IntegrationId) -> Self {
        let catalog = runtime
            .block_on(Catalog::open(&dir.path().join(FILE_NAME), Arc::new(Still), Arc::new(Still)))
            .unwrap();
        let parts = Parts {
            disk: Arc::new(RealDisk::new(dir.path().join("ledger")).unwrap()),
            catalog: Arc::new(catalog),
            signals: Signals::builtin(Arc::new(Still)),
            clock: Arc::new(Still),
            entropy: Arc::new(Still),
        };
        let ledger = Options { log_file_bytes: 16 << 20, seal_rows: 5_000, ..Options::default() };
        let (intake, _) = Intake::open(parts, IntakeOptions { ledger, counter_bytes: 64 << 20 }).unwrap();
        Self { intake, integration, running: None, _runtime: runtime, dir }
    }

    fn start(&mut self) {
        self.running = Some(self.intake.ledger().start(Arc::new(|error| panic!("{error}"))).unwrap());
    }

    /// Closes everything and opens it again, as after a restart.
    fn reopen(mut self) -> Self {
        if let Some(running) = self.running.take() {
            running.stop();
        }
        let Self { intake, integration, _runtime, dir, .. } = self;
        drop(intake);
        let mut house = Self::open(_runtime, dir, integration);
        house.start();
        house
    }

    fn request(&self, format: Format) -> ImportRequest {
        ImportRequest {
            integration: self.integration,
            kind: EventKind::Click,
            format,
            map: None,
            set: vec![("user_agent".into(), AGENT.into())],
        }
    }

    fn import(
        &self,
        request: &ImportRequest,
        text: &[u8],
    ) -> (Result<Summary, Box<Failed>>, Vec<RefusedLine>) {
        let mut file = tempfile::tempfile_in(self.dir.path()).unwrap();
        file.write_all(text).unwrap();
        let mut seen = Seen(Vec::new());
        let file: File = file;
        let summary = import(&self.intake, request, &file, &mut seen);
        (summary, seen.0)
    }

    fn rows(&self) -> Vec<Event> {
        let records = self.intake.ledger().view().scan_seq_from(1);
        records.filter_map(|record| record.unwrap().into_event()).collect()
    }
}

use super::run::run as import;

struct Seen(Vec<RefusedLine>);
impl Observer for Seen {
    fn progress(&mut self, progress: Progress) -> std::ops::ControlFlow<()> {
        assert!(progress.done <= progress.total);
        std::ops::ControlFlow::Continue(())
    }
    fn refused(&mut self, line: &RefusedLine) -> std::io::Result<()> {
        self.0.push(line.clone());
        Ok(())
    }
}

fn map(json: &str) -> Option<ImportMap> {
    Some(serde_json::from_str(json).unwrap())
}

const AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";

const MAP: &str = r#"{"time":"t","fields":{"offer":"app","ip":"addr"},"conversion":{"time":"done"}}"#;

#[test]
fn a_csv_file_is_judged_in_time_order_and_makes_conversions() {
    let house = House::new();
    let mut request = house.request(Format::Csv);
    request.map = map(MAP);
    request.set.push(("publisher".into(), "p1".into()));
    let text = "app,addr,t,done,os,\"odd \"\"name\"\"\"\r\n\
                7,1.2.3.4,2023-01-01 00:00:20,2023-01-01 00:03:40,13,x\r\n\
                \r\n\
                8,1.2.3.4,2023-01-01 00:00:10,,\"two\r\nlines\",\r\n\
                9,1.2.3,2023-01-01 00:00:10,,,\r\n\
                9,1.2.3.4,,,,\r\n\
                9,1.2.3.4,2023-01-01 00:00:15,later,,\r\n\
                9,1.2.3.4\r\n\
                6,1.2.3.5,2023-01-01 00:00:05,,,\"cut";
    let (summary, refused) = house.import(&request, text.as_bytes());
    let summary = summary.unwrap();
    assert_eq!((summary.lines, summary.clicks, summary.conversions, summary.refused), (7, 2, 1, 5));
    let causes: Vec<_> = refused.iter().map(|r| (r.line, r.cause.as_str())).collect();
    assert_eq!(causes[0], (6, "ip: must be an IPv4 or IPv6 address"));
    assert_eq!(causes[1].0, 7);
    assert!(causes[1].1.starts_with("click_time: is missing"), "{causes:?}");
    assert!(causes[2].1.starts_with("conversion_time: "), "{causes:?}");
    assert_eq!(causes[3], (9, "line: has 2 fields where the header has 6"));
    assert_eq!(causes[4], (10, "line: a quoted field has no closing quote: the line is cut"));
    assert_eq!(refused[3].text, b"9,1.2.3.4");

    let rows = house.rows();
    let offers: Vec<_> = rows.iter().map(|row| (row.kind, row.text_or_empty(Text::OfferId))).collect();
    assert_eq!(offers, [(EventKind::Click, "8"), (EventKind::Click, "7"), (EventKind::Conversion, "7")]);
    assert_eq!(rows[0].text(Text::ExtraParameters), Some(r#"{"os":"two\u000d\u000alines"}"#));
    assert_eq!(rows[1].text(Text::ExtraParameters), Some(r#"{"os":"13","odd \"name\"":"x"}"#));
    assert_eq!(rows[1].text(Text::Publisher), Some("p1"));
    assert_eq!(rows[2].text(Text::ClickRealTxId), Some(rows[1].id.to_string().as_str()));
    assert_eq!(rows[2].at().millis() - rows[2].number(Number::ClickTime).unwrap(), 200_000);
    assert_eq!(rows[2].text(Text::Ip), Some("1.2.3.4"));
}

#[test]
fn a_rows_conversion_says_for_itself_what_the_map_names() {
    let house = House::new();
    let mut request = house.request(Format::Ndjson);
    request.map = map(r#"{"time":"t","fields":{"offer":"o","ip":"a"},"conversion":{"time":"done","fields":
            {"ip":"from","begin_install_time":"begun","revenue":"paid","label":"label"}}}"#);
    let text = r#"{"t":1690000000,"o":"7","a":"1.2.3.4","done":1690000100,"from":"1.2.3.5","begun":1690000050,"paid":2.5,"label":"x"}
{"t":1690000001,"o":"8","a":"1.2.3.4","done":1690000100,"from":"nowhere"}
{"t":1690000002,"o":"9","a":"1.2.3.4","done":1690000101}
"#;
    let (summary, refused) = house.import(&request, text.as_bytes());
    let summary = summary.unwrap();
    assert_eq!((summary.clicks, summary.conversions), (2, 2));
    assert_eq!(refused[0].cause, "ip: must be an IPv4 or IPv6 address");
    let rows = house.rows();
    let (own, bare) = (&rows[2], &rows[3]);
    assert_eq!((own.text(Text::Ip), own.text(Text::OfferId)), (Some("1.2.3.5"), Some("7")));
    assert_eq!(own.number(Number::BeginInstallTime), Some(1_690_000_050_000));
    assert_eq!(own.number(Number::Revenue), Some(2_500_000));
    assert_eq!(own.text(Text::ExtraParameters), Some(r#"{"label":"x"}"#));
    assert_eq!((bare.text(Text::Ip), bare.number(Number::Revenue)), (Some("1.2.3.4"), None));
    // Columns that only the conversion takes are not extra parameters of its click.
    assert_eq!(rows[0].text(Text::ExtraParameters), None);
}

fn many_lines(count: u32) -> String {
    let mut text = String::from("app,addr,t,done\n");
    for i in 0..count {
        let (second, user) = ((i * 7919) % 50_000, i % 97);
        let (hour, minute) = (second / 3600, second / 60 % 60);
        let done = if i % 50 == 0 { format!("2023-01-02 {hour:02}:{minute:02}:59") } else { String::new() };
        text +=
            &format!("{},10.0.0.{user},2023-01-01 {hour:02}:{minute:02}:{:02},{done}\n", i % 5, second % 60);
    }
    text
}

/// What was decided, by id.
fn verdicts(house: &House) -> Vec<(tollgate_domain::TxId, Option<String>)> {
    let verdict = |row: Event| (row.id, row.text(Text::Rejections).map(str::to_owned));
    let mut all: Vec<_> = house.rows().into_iter().map(verdict).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_repeat_adds_nothing_and_an_interrupted_import_is_judged_as_one() {
    let text = many_lines(9_000);
    let mut house = House::new();
    let mut request = house.request(Format::Csv);
    request.map = map(MAP);
    let whole = house.import(&request, text.as_bytes()).0.unwrap();
    assert_eq!((whole.clicks, whole.conversions, whole.already_there), (9_000, 180, 0));
    assert_eq!(whole.approved + whole.monitored.values().sum::<u64>(), 9_180);
    assert!(whole.monitored["DUPLICATE_IP"] > 1000, "{whole:?}");
    let counted = house.intake.stats();
    // Whether rows are open or sealed: the same lines find themselves.
    while house.intake.ledger().stats().unsealed_rows > 5_000 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    for _ in 0..2 {
        let again = house.import(&request, text.as_bytes()).0.unwrap();
        assert_eq!((again.stored(), again.already_there), (0, 9_180));
        assert_eq!(house.intake.stats().counter_keys, counted.counter_keys);
        house = house.reopen();
    }
    let expected = verdicts(&house);
    assert_eq!(expected.len(), 9_180);

    // The other house saw a part of the file before: every third line of the first two thirds, in time order or not.
    let mut other = House::new();
    other.integration = house.integration;
    let part: String = text.lines().take(6_000).map(|line| format!("{line}\n")).collect();
    request.integration = other_integration(&other);
    let first = other.import(&request, part.as_bytes()).0.unwrap();
    other = other.reopen();
    let rest = other.import(&request, text.as_bytes()).0.unwrap();
    assert_eq!(first.stored() + rest.stored(), 9_180);
    assert_eq!(rest.already_there, first.stored());
    let rejected =
        |rows: &[(tollgate_domain::TxId, Option<String>)]| rows.iter().filter(|row| row.1.is_some()).count();
    // Lines of the first import were judged without those that came later in the file but lie earlier in time.
    assert!(rejected(&verdicts(&other)) <= rejected(&expected));
    assert!(rest.monitored["DUPLICATE_IP"] > 0);
}

fn other_integration(house: &House) -> IntegrationId {
    house.intake.catalog().snapshot().integrations().next().unwrap().integration.id
}

#[test]
fn an_import_that_stopped_goes_on_with_equal_verdicts() {
    // In time order, so that a prefix of the file is what an interrupted import had judged.
    let header = "app,addr,t,done\n";
    let line = |i: u32| {
        format!(
            "{},10.0.0.{},2023-01-01 {:02}:{:02}:{:02},\n",
            i % 5,
            i * i % 97,
            i / 3600,
            i / 60 % 60,
            i % 60
        )
    };
    let lines: Vec<String> = (0..10_000).map(line).collect();
    let text = format!("{header}{}", lines.concat());
    let prefix = format!("{header}{}", lines[..4_321].concat());
    let house = House::new();
    let mut request = house.request(Format::Csv);
    request.map = map(r#"{"time":"t","fields":{"offer":"app","ip":"addr"}}"#);
    let whole = house.import(&request, text.as_bytes()).0.unwrap();
    let other = House::new();
    request.integration = other_integration(&other);
    let first = other.import(&request, prefix.as_bytes()).0.unwrap();
    let other = other.reopen();
    let rest = other.import(&request, text.as_bytes()).0.unwrap();
    assert_eq!(
        first.monitored["DUPLICATE_IP"] + rest.monitored["DUPLICATE_IP"],
        whole.monitored["DUPLICATE_IP"]
    );
    assert_eq!(first.approved + rest.approved, whole.approved);
    assert_eq!(other.intake.stats().counter_keys, house.intake.stats().counter_keys);
}

#[test]
fn rows_as_long_as_they_may_be_fit_into_the_log() {
    let house = House::new();
    let request = house.request(Format::Ndjson);
    let (long, wide) = ("x".repeat(4_000), "y".repeat(8_000));
    let line = |i: u32| {
        format!(
            "{{\"click_time\":{},\"referer\":\"{long}\",\"site_url\":\"{long}\",\"more\":\"{wide}\"}}\n",
            1_600_000_000 + i
        )
    };
    let text: String = (0..1_000).map(line).collect();
    assert_eq!(house.import(&request, text.as_bytes()).0.unwrap().clicks, 1_000);
}

#[test]
fn a_house_that_closes_ends_its_imports() {
    let house = House::new();
    house.intake.end_imports();
    let failed = house.import(&house.request(Format::Ndjson), b"{\"click_time\":1600000000}").0.unwrap_err();
    assert!(failed.to_string().starts_with("the ledger is closing"), "{failed}");
    assert_eq!(failed.summary.stored(), 0);
}

#[test]
fn equal_lines_are_stored_as_often_as_they_stand_there() {
    let house = House::new();
    let request = house.request(Format::Ndjson);
    let line = r#"{"kind":"click","click_time":1670000000,"ip":"1.2.3.4","deep":[1]}"#;
    let text = format!(
        "\u{feff}{line}\n\n{line}\r\n{{\"click_time\":\n{{\"kind\":\"impression\",\"click_time\":1}}\n{line}"
    );
    let (summary, refused) = house.import(&request, text.as_bytes());
    let summary = summary.unwrap();
    assert_eq!((summary.lines, summary.clicks, summary.refused), (5, 3, 2));
    assert_eq!(refused.iter().map(|r| r.line).collect::<Vec<_>>(), [4, 5]);
    let more = format!("{text}\n{line}\n");
    let again = house.import(&request, more.as_bytes()).0.unwrap();
    assert_eq!((again.clicks, again.already_there), (1, 3));
}

#[test]
fn what_cannot_begin_says_why_and_stores_nothing() {
    let house = House::new();
    let fails = |request: &ImportRequest, text: &str| {
        house.import(request, text.as_bytes()).0.unwrap_err().to_string()
    };
    let mut request = house.request(Format::Csv);
    request.map = map(r#"{"time":"when","fields":{"offer":"app"}}"#);
    assert!(
        fails(&request, "app,t\n1,2\n")
            .contains("names when, which the file does not have; its columns are app, t")
    );
    assert!(fails(&request, "app,when,app\n1,2,3\n").contains("column app twice"));
    let endless = format!("app,when\n1,\"{}", "x\n".repeat(1 << 20));
    assert!(fails(&request, &endless).contains("line 2 opens a quote"), "{}", fails(&request, &endless));
    request.integration = "aaaaaaaaaa".parse().unwrap();
    assert_eq!(fails(&request, ""), "there is no integration aaaaaaaaaa");
    assert!(house.rows().is_empty());
}

#[test]
fn long_and_foreign_lines_are_refused_one_by_one() {
    let house = House::new();
    let mut request = house.request(Format::Combined);
    request.set.clear();
    let good = r#"1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8""#;
    let mut text = vec![b'x'; 3 << 20];
    text.push(b'\n');
    text.extend_from_slice(good.as_bytes());
    text.extend_from_slice(b"\n\xff\xfe\n");
    text.extend_from_slice(good.replace("1.2.3.4", "host.example").as_bytes());
    let (summary, refused) = house.import(&request, &text);
    assert_eq!(summary.unwrap().clicks, 1);
    let causes: Vec<_> = refused.iter().map(|r| format!("{} {}", r.line, r.cause)).collect();
    assert_eq!(
        causes,
        [
            "1 line: is longer than 1048576 bytes",
            "3 line: is not UTF-8",
            "4 ip: must be an IPv4 or IPv6 address"
        ]
    );
    let rows = house.rows();
    assert_eq!(
        rows[0].text(Text::ExtraParameters),
        Some(r#"{"method":"GET","path":"/","http_status":"200","bytes":"5"}"#)
    );
    assert_eq!(rows[0].text(Text::Rejections), Some(r#"["BOT"]"#));
}

/// A file of clicks that came by signed links, with what the log that it was made of adds.
#[test]
fn the_signatures_of_lines_are_checked() {
    let house = House::new();
    let live = house.intake.live().get(house.integration).unwrap().clone();
    let key = b"a signing key of some length";
    let sign_for = |purpose: crate::signature::Purpose, offer: &str| {
        let link = [("offer", offer), ("tg_signed_at", "1672531200")];
        let link = link.map(|(name, value)| (name.into(), value.into()));
        crate::signature::sign(key, house.integration, purpose, &link)
    };
    let sign = |offer: &str| sign_for(crate::signature::Purpose::Click, offer);
    let secret = |draft: &mut tollgate_catalog::Draft<'_>| {
        let key = tollgate_catalog::StoredSecret::Key(key.to_vec());
        draft.set_secret::<tollgate_domain::Integration>(house.integration.as_str(), Some(key))
    };
    let actor = tollgate_catalog::Actor::command_line();
    house._runtime.block_on(house.intake.catalog().write(live.entry.organization, &actor, secret)).unwrap();
    house.intake.reconfigure(&house.intake.catalog().snapshot());
    let csv = format!(
        "offer,click_ip,click_time,sub_id,tg_signed_at,tg_signature\n\
         7,1.2.3.4,2023-01-01 00:00:20,,1672531200,{0}\n\
         8,1.2.3.4,2023-01-01 00:00:21,,1672531200,{0}\n\
         7,1.2.3.4,2023-01-01 00:00:22,s,1672531200,{0}\n\
         7,1.2.3.4,2023-01-01 00:00:23,,,\n\
         7,1.2.3.4,2023-01-01 00:00:24,,1672531200,{1}\n",
        sign("7"),
        sign_for(crate::signature::Purpose::Postback, "7")
    );
    let (summary, refused) = house.import(&house.request(Format::Csv), csv.as_bytes());
    assert_eq!((summary.unwrap().clicks, refused.len()), (5, 0));
    let json = format!(
        "{{\"offer\":\"9\",\"click_time\":\"2023-01-01 00:00:25\",\"tg_signed_at\":1672531200,\"tg_signature\":\"{}\"}}\n",
        sign("9")
    );
    house.import(&house.request(Format::Ndjson), json.as_bytes()).0.unwrap();
    let valid: Vec<_> = house.rows().iter().map(|row| row.number(Number::SignatureValid)).collect();
    assert_eq!(valid, [Some(1), Some(0), Some(0), None, Some(0), Some(1)]);
}
