//! Publications seen from outside: whole, of one cut, without what is deleted, and never half in their place.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tollgate_domain::{Amendment, Entropy, Event, EventKind, Number, Text, Timestamp, TxIdKey};
use tollgate_ledger::disk::{Disk, RealDisk};
use tollgate_ledger::publish::{PublishError, PublishOptions, Published, PublishedIntegration};
use tollgate_ledger::{Deletion, Ledger, Options, Record};

const DAY_MS: i64 = 86_400_000;
const START: i64 = 20_000 * DAY_MS;
const INTEGRATION: &str = "aaaaaaaaaa";

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

struct House {
    folder: tempfile::TempDir,
    ledger: Ledger,
    events: Vec<Event>,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("data/ledger");
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(root).unwrap());
        let options = Options { log_file_bytes: 128 << 10, ..Options::default() };
        let opened =
            Ledger::open(disk, Arc::new(NoEntropy), TxIdKey([7; 16]), options, u64::MAX, &mut |_| {});
        let (ledger, _) = opened.unwrap();
        ledger.keep().unwrap();
        Self { folder, ledger, events: Vec::new() }
    }

    /// Conversions over three days, every fifth of one device.
    fn store(&mut self, count: i64) {
        for n in 0..count {
            let mut event = Event::new(EventKind::Conversion, INTEGRATION.parse().unwrap());
            event.set_number(Number::RequestTime, START + n % 3 * DAY_MS + n * 1000);
            event.set_text(Text::DeviceId, if n % 5 == 0 { "secret" } else { "another" });
            let promise = self.ledger.promise(1, event.text_bytes() as u64).unwrap();
            self.ledger.append(&promise, &mut event, |_| {});
            self.events.push(event);
        }
        self.ledger.commit().unwrap();
    }

    fn seal(&self) {
        while self.ledger.seal(u64::MAX / 2).unwrap().is_some() {}
        self.ledger.keep().unwrap();
    }

    fn amend(&self, at: usize) -> u64 {
        let mut amendment = Amendment::of(&self.events[at], Timestamp::from_millis(START));
        amendment.record.set_text(Text::ThirdPartyStatus, "late");
        let promise = self.ledger.promise(1, amendment.record.text_bytes() as u64).unwrap();
        let seq = self.ledger.amend(&promise, &mut amendment);
        self.ledger.commit().unwrap();
        seq
    }

    fn ledger_dir(&self) -> PathBuf {
        self.folder.path().join("data/ledger")
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("published")
    }

    fn publish_as(&self, dir: &Path, copy: bool) -> Result<Published, PublishError> {
        self.publish_told(dir, copy, &mut |_| ControlFlow::Continue(()))
    }

    fn publish_told(
        &self,
        dir: &Path,
        copy: bool,
        told: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<Published, PublishError> {
        let (id, organization) = (INTEGRATION.parse().unwrap(), "0123456789abcdef01234567".parse().unwrap());
        let integration =
            PublishedIntegration { id, organization, name: "n".into(), time_zone: "UTC".into() };
        let ledger = self.ledger_dir();
        let options = PublishOptions {
            ledger: &ledger,
            dir,
            copy,
            integrations: &[integration],
            at: Timestamp::from_millis(START),
        };
        self.ledger.view().publish(&options, told)
    }

    /// The `seq` of all events and of all amendments that readers find.
    fn expected(&self) -> (BTreeSet<u64>, BTreeSet<u64>) {
        let (mut events, mut amendments) = (BTreeSet::new(), BTreeSet::new());
        for record in self.ledger.view().scan_seq_from(0) {
            match record.unwrap() {
                Record::Event(event) => events.insert(event.seq),
                Record::Amendment(amendment) => amendments.insert(amendment.seq()),
            };
        }
        (events, amendments)
    }
}

fn manifest(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("manifest.json")).unwrap()).unwrap()
}

/// The `seq` of each row of a folder's files.
fn seqs(dir: &Path, folder: &str) -> Vec<u64> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir.join(folder)).unwrap() {
        let file = File::open(entry.unwrap().path()).unwrap();
        for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
            let batch = batch.unwrap();
            let column = batch.column_by_name("seq").unwrap().as_primitive::<UInt64Type>().clone();
            all.extend(column.values().iter().copied());
        }
    }
    all.sort_unstable();
    all
}

/// A publication is what readers find and what its manifest says.
fn check(house: &House, published: &Published, dir: &Path) {
    let (events, amendments) = house.expected();
    assert!(seqs(dir, "conversion").iter().eq(&events), "each event once");
    assert!(seqs(dir, "conversion-amendments").iter().eq(&amendments), "each amendment once");
    assert!(seqs(dir, "click").is_empty() && seqs(dir, "impression-amendments").is_empty());
    let manifest = manifest(dir);
    let said = |name: &str| manifest[name].as_u64().unwrap();
    assert_eq!((said("cut"), said("rows")), (published.cut, published.rows));
    assert_eq!((published.rows, published.amendments), (events.len() as u64, amendments.len() as u64));
    let files = manifest["files"].as_array().unwrap();
    assert_eq!((files.len() as u64, published.cut), (published.files, house.ledger.committed()));
    for file in files {
        let bytes = fs::read(dir.join(file["path"].as_str().unwrap())).unwrap();
        assert_eq!(file["bytes"], bytes.len(), "{file}");
        assert_eq!(file["crc32c"], format!("{:08x}", crc32c::crc32c(&bytes)), "{file}");
    }
    let leftover = fs::read_dir(house.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let leftover: Vec<_> = leftover.filter(|name| name.to_string_lossy().contains(".publishing")).collect();
    assert!(leftover.is_empty(), "{leftover:?}");
}

#[test]
fn sealed_and_open_rows_are_published_and_segments_are_linked() {
    let mut house = House::new();
    house.store(30);
    house.seal();
    house.amend(3);
    house.seal();
    house.store(10);
    house.amend(4);
    house.amend(35);
    let dir = house.dir();
    let published = house.publish_as(&dir, false).unwrap();
    check(&house, &published, &dir);
    assert_eq!((published.rows, published.amendments, published.linked), (40, 3, 3));
    assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    for file in manifest(&dir)["files"].as_array().unwrap().iter().filter(|file| file["linked"] == true) {
        let path = file["path"].as_str().unwrap();
        let own = house.ledger_dir().join("segments").join(Path::new(path).file_name().unwrap());
        assert_eq!(fs::metadata(dir.join(path)).unwrap().ino(), fs::metadata(own).unwrap().ino());
    }

    // The next one takes its place, with all that came since; this one copies.
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o750)).unwrap();
    house.store(5);
    house.seal();
    let published = house.publish_as(&dir, true).unwrap();
    check(&house, &published, &dir);
    assert_eq!((published.rows, published.linked), (45, 0));
    assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o750, "who may read stays");
}

#[test]
fn deleted_rows_and_what_amended_them_are_not_published() {
    let mut house = House::new();
    house.store(60);
    house.seal();
    house.amend(10);
    house.amend(11);
    house.seal();
    house.store(5);
    let named = Deletion::Naming {
        integrations: vec![INTEGRATION.parse().unwrap()],
        column: Text::DeviceId,
        text: "secret".to_owned(),
    };
    assert!(house.ledger.delete(&named).unwrap().is_some());
    assert!(house.ledger.stats().deleted_rows > 0, "files still have them");
    let published = house.publish_as(&house.dir(), false).unwrap();
    check(&house, &published, &house.dir());
    assert_eq!((published.rows, published.amendments, published.linked), (52, 1, 2));
    // Somebody saw the event before it was deleted, and amends it after.
    let late = house.amend(15);
    house.publish_as(&house.dir(), false).unwrap();
    assert!(!seqs(&house.dir(), "conversion-amendments").contains(&late));
}

#[test]
fn what_is_there_stays_when_a_publication_is_broken_off_or_refused() {
    let mut house = House::new();
    house.store(9);
    house.seal();
    let dir = house.dir();
    let first = house.publish_as(&dir, false).unwrap();
    house.store(3);
    let broken_off = house.publish_told(&dir, false, &mut |_| ControlFlow::Break(()));
    assert!(matches!(broken_off, Err(PublishError::Canceled)), "{broken_off:?}");
    assert_eq!(manifest(&dir)["cut"].as_u64().unwrap(), first.cut);

    // What a killed process left behind is no obstacle; somebody who is writing is.
    let half = house.folder.path().join(".published.publishing");
    fs::create_dir_all(half.join("click")).unwrap();
    fs::write(half.join("manifest.json"), "{").unwrap();
    let held = File::open(&half).unwrap();
    held.lock().unwrap();
    let busy = house.publish_as(&dir, false).unwrap_err().to_string();
    assert!(busy.contains("another publication is being written"), "{busy}");
    drop(held);
    let second = house.publish_as(&dir, false).unwrap();
    check(&house, &second, &dir);

    fs::write(dir.join("thesis.txt"), "x").unwrap();
    let refused = house.publish_as(&dir, false).unwrap_err().to_string();
    assert!(refused.contains("thesis.txt"), "{refused}");
    assert_eq!(manifest(&dir)["cut"].as_u64().unwrap(), second.cut);
    let inside = house.publish_as(&house.folder.path().join("data/published"), false).unwrap_err();
    assert!(inside.to_string().contains("outside of the data directory"), "{inside}");
    let other = house.folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("click"), "no manifest is here").unwrap();
    let refused = house.publish_as(&other, false).unwrap_err().to_string();
    assert!(refused.contains("holds click"), "{refused}");
    fs::write(other.join("manifest.json"), r#"{"name": "some other program's"}"#).unwrap();
    let refused = house.publish_as(&other, false).unwrap_err().to_string();
    assert!(refused.contains("holds click"), "{refused}");
    fs::remove_file(other.join("click")).unwrap();
    fs::remove_file(other.join("manifest.json")).unwrap();
    check(&house, &house.publish_as(&other, false).unwrap(), &other);

    // Of a link that somebody put there, what it leads to is not touched.
    let precious = house.folder.path().join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("file"), "x").unwrap();
    std::os::unix::fs::symlink(&precious, house.folder.path().join(".fourth.publishing")).unwrap();
    house.publish_as(&house.folder.path().join("fourth"), false).unwrap_err();
    assert!(precious.join("file").exists());
}
