//! A catalog, a ledger and a clock that stands still, with postbacks over them; and receivers on this machine.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tollgate_catalog::init::{InitOptions, initialise};
use tollgate_catalog::{Actor, Catalog, FILE_NAME, integration_defaults, new_integration, new_postback};
use tollgate_domain::{
    Amendment, Clock, Entropy, Event, EventKind, IntegrationId, Number, OrganizationId, Postback, PostbackId,
    Status, Text, Timestamp, TxIdKey,
};
use tollgate_jobs::postbacks::{self, Delivery, DeliveryState, LogFilter, Parts, Postbacks};
use tollgate_ledger::disk::RealDisk;
use tollgate_ledger::{Ledger, Options, Promise, Refused};
use tollgate_outbound as outbound;
use tollgate_outbound::testing::{Names, Stream, options, server};

pub const NOW: i64 = 1_772_366_400_000;
pub const MINUTE: i64 = 60_000;

tokio::task_local! {
    /// What runs in it is held where it asks for the time.
    static HELD: ();
}

/// Told of whoever asks for the time.
type Look = Arc<dyn Fn() + Send + Sync>;

pub struct TestClock {
    now: AtomicI64,
    look: Mutex<Option<Look>>,
}

impl TestClock {
    pub fn advance(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::SeqCst);
    }

    pub fn set(&self, at: Timestamp) {
        self.now.store(at.millis(), Ordering::SeqCst);
    }

    /// Calls `look` whenever someone asks for the time.
    pub fn on_look(&self, look: impl Fn() + Send + Sync + 'static) {
        *self.look.lock().unwrap() = Some(Arc::new(look));
    }

    /// Runs `task` until it asks for the time first, then `meanwhile`, and then the rest of `task`. Needs a runtime of
    /// several threads.
    pub async fn hold<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
        meanwhile: impl Future<Output = ()>,
    ) -> T {
        let (asks, mut asked) = tokio::sync::mpsc::unbounded_channel();
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        self.on_look(move || {
            if HELD.try_with(|()| ()).is_ok() {
                let _ = asks.send(());
                // Once it was released, there is nobody to wait for.
                tokio::task::block_in_place(|| released.lock().unwrap().recv().ok());
            }
        });
        let task = tokio::spawn(HELD.scope((), task));
        asked.recv().await.unwrap();
        meanwhile.await;
        drop(release);
        task.await.unwrap()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let look = self.look.lock().unwrap().clone();
        if let Some(look) = look {
            look();
        }
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }
}

/// Counts, so that every id is another.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let count = self.0.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            *byte = ((count ^ (count >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 56) as u8;
        }
    }
}

pub struct Home {
    pub clock: Arc<TestClock>,
    pub catalog: Arc<Catalog>,
    pub ledger: Ledger,
    pub organization: OrganizationId,
    pub integration: IntegrationId,
    entropy: Arc<dyn Entropy>,
    dir: tempfile::TempDir,
}

/// Postbacks that run.
pub struct Sending {
    pub postbacks: Arc<Postbacks>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Sending {
    pub async fn stop(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
        self.postbacks.close().await;
    }
}

impl Home {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock { now: AtomicI64::new(NOW), look: Mutex::default() });
        let entropy: Arc<dyn Entropy> = Arc::new(Counting(AtomicU64::new(1)));
        let made =
            initialise(dir.path(), &InitOptions::default(), clock.clone(), entropy.clone()).await.unwrap();
        let catalog = Catalog::open(&dir.path().join(FILE_NAME), clock.clone(), entropy.clone()).await;
        let disk = Arc::new(RealDisk::new(dir.path().join("ledger")).unwrap());
        let options = Options { log_file_bytes: 4 << 20, ..Options::default() };
        let opened = Ledger::open(disk, entropy.clone(), TxIdKey([5; 16]), options, u64::MAX, &mut |_| {});
        let (ledger, _) = opened.unwrap();
        ledger.keep().unwrap();
        Self {
            clock,
            catalog: Arc::new(catalog.unwrap()),
            ledger,
            organization: made.organization_id,
            integration: made.integration_id,
            entropy,
            dir,
        }
    }

    pub fn file(&self) -> PathBuf {
        self.dir.path().join(postbacks::FILE_NAME)
    }

    pub async fn open(&self, outbound: outbound::Options) -> Arc<Postbacks> {
        let parts = Parts {
            catalog: self.catalog.clone(),
            ledger: self.ledger.clone(),
            outbound,
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
        };
        Postbacks::open(&self.file(), parts).await.unwrap()
    }

    pub async fn run(&self, outbound: outbound::Options) -> Sending {
        let postbacks = self.open(outbound).await;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(postbacks.clone().run(stopped, Duration::from_secs(10)));
        Sending { postbacks, stop, task }
    }

    /// Another integration of the organization.
    pub async fn another_integration(&self) -> IntegrationId {
        let actor = Actor::command_line();
        let write = self.catalog.write(self.organization, &actor, |draft| {
            let integration = integration_defaults(draft, "another");
            let id = integration.id;
            new_integration(draft, integration, Vec::new()).map(|_| id)
        });
        write.await.unwrap()
    }

    /// A postback on approved conversions to `url`, as `change` makes it.
    pub async fn postback(&self, url: &str, change: impl Fn(&mut Postback)) -> PostbackId {
        let actor = Actor::command_line();
        let write = self.catalog.write(self.organization, &actor, |draft| {
            let mut postback = Postback::new(PostbackId::random(draft.entropy()), self.integration);
            (postback.name, postback.url) = ("n".to_owned(), url.to_owned());
            change(&mut postback);
            let id = postback.id;
            new_postback(draft, postback).map(|()| id)
        });
        write.await.unwrap()
    }

    pub async fn change(&self, id: PostbackId, change: impl Fn(&mut Postback)) {
        let actor = Actor::command_line();
        let write = self.catalog.write(self.organization, &actor, |draft| {
            let mut postback = Postback::clone(&*draft.require::<Postback>(id.as_str(), None)?);
            change(&mut postback);
            draft.update(postback, None)
        });
        write.await.unwrap();
    }

    /// An approved conversion.
    pub fn conversion(&self, external: &str) -> Event {
        let mut event = Event::new(EventKind::Conversion, self.integration);
        event.set_number(Number::RequestTime, self.clock.now().millis());
        event.set_status(Status::Approved);
        event.set_text(Text::OfferId, "7");
        event.set_text(Text::ExternalTransactionId, external);
        event
    }

    /// Stores events; they have their ids afterwards.
    pub fn store(&self, events: &mut [Event]) {
        // So many that a log file has room for them, whatever is promised for each.
        for part in events.chunks_mut(100) {
            let promise = self.promise(part.len() as u64);
            for event in part {
                self.ledger.append(&promise, event, |_| {});
            }
            assert!(self.ledger.commit().unwrap());
        }
    }

    /// Waits until the ledger has room.
    fn promise(&self, rows: u64) -> Promise {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match self.ledger.promise(rows, 1 << 16) {
                Err(Refused::Busy) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5))
                }
                promised => return promised.unwrap(),
            }
        }
    }

    pub fn amend(&self, mut amendment: Amendment) {
        self.ledger.amend(&self.promise(1), &mut amendment);
        assert!(self.ledger.commit().unwrap());
    }

    pub async fn log(&self, postbacks: &Postbacks) -> Vec<Delivery> {
        let filter = LogFilter { limit: 1000, ..LogFilter::default() };
        postbacks.log(self.organization, self.integration, &filter).await.unwrap()
    }

    /// Waits until every delivery is in one of `states`, and answers the log, newest first.
    pub async fn settled(
        &self,
        postbacks: &Postbacks,
        count: usize,
        states: &[DeliveryState],
    ) -> Vec<Delivery> {
        eventually(async || {
            let log = self.log(postbacks).await;
            let settled = log.len() == count && log.iter().all(|one| states.contains(&one.state));
            if settled { Ok(log) } else { Err(format!("{log:?}")) }
        })
        .await
    }
}

/// Asks again and again, for a while.
pub async fn eventually<T>(mut ask: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match ask().await {
            Ok(found) => return found,
            Err(seen) => assert!(Instant::now() < deadline, "{seen}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A server that keeps the first lines of what it was asked.
pub struct Receiver {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    /// Answers as `answer` does, which gets the number of the request, from 0.
    pub fn new(answer: impl Fn(usize, &mut dyn Stream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let asked = Arc::new(Mutex::new(Vec::<String>::new()));
        let kept = asked.clone();
        let address = server(move |head, stream| {
            let line = head.lines().next().unwrap_or_default().to_owned();
            let number = {
                let mut kept = kept.lock().unwrap();
                kept.push(line);
                kept.len() - 1
            };
            answer(number, stream)
        });
        Self { address, asked }
    }

    /// Always answers with this status.
    pub fn answering(status: u16) -> Self {
        Self::new(move |_, stream| status_only(stream, status))
    }

    /// Answers so many requests with 500 at once, the others with 200, one for each thing that is sent over the channel;
    /// those that come after it was closed at once.
    pub fn holding(failures: usize) -> (Self, mpsc::Sender<()>) {
        let (release, released) = mpsc::channel();
        let released = Mutex::new(released);
        let receiver = Self::new(move |number, stream| {
            if number < failures {
                return status_only(stream, 500);
            }
            // Whoever waits for the lock waits for his turn.
            released.lock().unwrap().recv().ok();
            status_only(stream, 200)
        });
        (receiver, release)
    }

    /// The targets that were asked for, in the order in which they came.
    pub fn targets(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|line| line.split(' ').nth(1).unwrap_or_default().to_owned()).collect()
    }
}

pub fn status_only(stream: &mut dyn Stream, status: u16) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n")
}

/// A client for which names lead to receivers on this machine, over plain HTTP.
pub fn reaching(names: &[(&str, &Receiver)]) -> outbound::Options {
    let names: Vec<_> = names.iter().map(|(name, receiver)| (*name, receiver.address)).collect();
    options(&names)
}

/// The same for addresses that are not to be reached.
pub fn resolving(names: &[(&str, &str)]) -> outbound::Options {
    let known: BTreeMap<_, _> =
        names.iter().map(|(name, address)| ((*name).to_owned(), vec![address.parse().unwrap()])).collect();
    let resolver = Arc::new(Names { known, ..Names::default() });
    outbound::Options { resolver, allow: Vec::new(), ..options(&[]) }
}
