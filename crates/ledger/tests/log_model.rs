//! The log against a disk that loses, tears, reorders and fails: what was acknowledged is there, once and in order,
//! and what was not is there whole or not at all.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where its premise fails")]

use std::sync::Arc;
use tollgate_domain::Entropy;
use tollgate_ledger::disk::Disk;
use tollgate_ledger::log::{FrameKind, HEAD, LogError, LogWriter, recover};
use tollgate_ledger::sim::{SimDisk, SimRng};

const FILE: u64 = 4096 + 3000;

struct SimEntropy(std::sync::Mutex<SimRng>);

impl Entropy for SimEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut rng = self.0.lock().unwrap();
        bytes.iter_mut().for_each(|byte| *byte = rng.next_u64() as u8);
    }
}

/// Frames carry their own number and a length; the model keeps what was acknowledged.
fn payload(number: u64, rng: &mut SimRng) -> Vec<u8> {
    let mut buffer = vec![0; HEAD];
    buffer.extend(number.to_le_bytes());
    buffer.extend(std::iter::repeat_n(number as u8, rng.below(900) as usize));
    buffer
}

struct Model {
    disk: SimDisk,
    rng: SimRng,
    acknowledged: u64,
    recycled: u64,
    next: u64,
}

impl Model {
    fn open(&mut self, seed: u64) -> Result<LogWriter, LogError> {
        let entropy = Arc::new(SimEntropy(std::sync::Mutex::new(SimRng::new(seed))));
        let mut seen: Vec<u64> = vec![];
        let found = recover(&self.disk, |frame| {
            let number = u64::from_le_bytes(frame.payload[..8].try_into().unwrap());
            assert!(frame.payload[8..].iter().all(|b| *b == number as u8), "a frame is whole");
            assert_eq!(number, frame.first_seq);
            seen.push(number);
            Ok(number)
        })?;
        assert!(seen.windows(2).all(|pair| pair[1] == pair[0] + 1), "once, in order: {seen:?}");
        let first = seen.first().copied().unwrap_or(self.acknowledged + 1);
        let last = seen.last().copied().unwrap_or(self.acknowledged);
        assert!(first <= self.recycled + 1, "nothing is lost at the start: {first} {}", self.recycled);
        assert!(last >= self.acknowledged, "nothing acknowledged is lost: {last} {}", self.acknowledged);
        self.next = last.max(self.acknowledged) + 1;
        self.acknowledged = self.next - 1;
        LogWriter::open(Arc::new(self.disk.clone()), entropy, FILE, found)
    }

    /// Works until the power goes or a write fails.
    fn life(&mut self, log: &mut LogWriter) {
        for _ in 0..self.rng.below(30) {
            match self.rng.below(10) {
                0 if log.prepared() < 3 => {
                    let done = log.begin_prepare().run();
                    match log.prepared_with(done) {
                        Err(error) if !error.is_full_disk() => return,
                        _ => {}
                    }
                }
                1 => {
                    let upto = self.rng.below(self.acknowledged + 1);
                    let Some(work) = log.begin_recycle(upto, 2) else { continue };
                    self.recycled = self.recycled.max(upto);
                    match work.run() {
                        Ok(spare) => log.recycled(spare),
                        Err(_) => return,
                    }
                }
                2 => self.disk.fail_in(self.rng.below(12)),
                3 => self.disk.set_capacity(self.rng.below(8) * FILE),
                _ => {
                    let mut buffer = payload(self.next, &mut self.rng);
                    if buffer.len() as u64 > log.room() && log.rotate().is_err() {
                        continue;
                    }
                    match log.write(FrameKind::Rows, self.next, self.next, &mut buffer) {
                        Ok(Ok(())) => {
                            self.acknowledged = self.next;
                            self.next += 1;
                        }
                        Ok(Err(_)) => return,
                        Err(_) => panic!("room was checked"),
                    }
                }
            }
        }
    }
}

fn run(seed: u64) {
    let disk = SimDisk::new(seed, 20 * FILE);
    let mut model = Model { disk, rng: SimRng::new(!seed), acknowledged: 0, recycled: 0, next: 1 };
    for restart in 0..5 {
        model.disk.set_capacity(20 * FILE);
        let mut log = match model.open(seed * 31 + restart) {
            Ok(log) => log,
            Err(error) => panic!("seed {seed}: {error}"),
        };
        model.life(&mut log);
        if model.rng.one_in(3) {
            model.disk.kill();
        } else {
            model.disk.crash();
        }
    }
}

/// `TOLLGATE_SEEDS` sets how many; `make torture` runs 100,000.
#[test]
fn acknowledged_frames_survive_every_seed() {
    #[allow(clippy::disallowed_methods, reason = "how long a test runs is its runner's choice")]
    let seeds = std::env::var("TOLLGATE_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3_000);
    for seed in 0..seeds {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("failed with seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn damage_before_the_last_frame_is_refused_and_named() {
    let disk = SimDisk::new(1, 1 << 20);
    let entropy = Arc::new(SimEntropy(std::sync::Mutex::new(SimRng::new(5))));
    let open = |disk: &SimDisk| {
        let found = recover(disk, |frame| Ok(frame.first_seq))?;
        LogWriter::open(Arc::new(disk.clone()), entropy.clone(), FILE, found)
    };
    let mut log = open(&disk).unwrap();
    for number in 1..=3u64 {
        let mut buffer = vec![number as u8; HEAD + 100];
        log.write(FrameKind::Rows, number, number, &mut buffer).unwrap().unwrap();
    }
    let name = format!("log/{}", disk.list("log").unwrap()[0]);
    assert!(disk.damage(&name, 4096 + HEAD + 7));
    match open(&disk).map(|_| ()) {
        Err(LogError::Damaged { path, offset, frame }) => {
            assert_eq!((path, offset, frame), (name, 4096, 0));
        }
        other => panic!("{other:?}"),
    }
}
