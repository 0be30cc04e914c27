//! What the fuzz tests of the crates share. Inputs are mutations of a small corpus (`tests/corpus`) and noise; each is fed to
//! what reads it, which must not panic and must not allocate more than its share: work is counted, never timed.
//!
//! `TOLLGATE_FUZZ_CASES` says how many inputs each test takes (`make fuzz`); what fails is shrunk and printed, with the seed
//! that draws it again. As many as nobody asked for are the same ones every time.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "every test binary compiles this and uses a part of it"
)]
#![allow(unsafe_code, reason = "counting allocations needs an allocator of one's own")]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use std::alloc::{GlobalAlloc, Layout, System};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Inputs of a test when nobody asks for more.
const CASES: u32 = 400;
/// The seed of inputs when nobody asks for more of them or for another seed.
const USUAL_SEED: u64 = 20_261_122;
/// Inputs after which what is fed is made anew: it may keep what it was fed.
const FRESH: u32 = 20_000;
/// Longest input, in bytes.
const LONGEST: usize = 24 << 10;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
/// One test at a time: what is allocated elsewhere would count too.
static ALONE: Mutex<()> = Mutex::new(());

/// The system's allocator, with a count of the bytes it was asked for.
struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What is fed, and how much each input may cost.
pub struct Food {
    /// A seed to a line.
    pub corpus: &'static str,
    /// Pieces that mean something where they stand.
    pub tokens: &'static [&'static str],
    /// Inputs for each one that is asked for: what is cheap is fed more.
    pub times: u32,
    /// Bytes that any input may allocate.
    pub fixed: usize,
    /// Bytes beside that for each byte of the input.
    pub each: usize,
}

#[derive(Debug, Clone)]
enum Mutation {
    Byte(Index, u8),
    Token(Index, Index),
    Drop(Index, u8),
    Repeat(Index, u8, u16),
    Cross(Index, Index, Index),
}

impl Mutation {
    fn apply(&self, input: &mut Vec<u8>, seeds: &[&[u8]], tokens: &[&str]) {
        // There is a place behind the last byte.
        let place = |at: &Index| at.index(input.len() + 1);
        match self {
            Self::Byte(at, byte) => {
                let at = place(at);
                input.splice(at..(at + 1).min(input.len()), [*byte]);
            }
            Self::Token(at, token) => {
                let at = place(at);
                input.splice(at..at, token.get(tokens).bytes());
            }
            Self::Drop(at, length) => {
                let at = place(at);
                input.drain(at..(at + usize::from(*length)).min(input.len()));
            }
            Self::Repeat(at, length, times) => {
                let at = place(at);
                let piece = input[at..(at + usize::from(*length)).min(input.len())].to_vec();
                let room = LONGEST.saturating_sub(input.len()) / piece.len().max(1);
                input.splice(at..at, piece.repeat(usize::from(*times).min(room)));
            }
            Self::Cross(at, other, from) => {
                let other = other.get(seeds);
                let at = place(at);
                input.truncate(at);
                input.extend_from_slice(&other[from.index(other.len() + 1)..]);
            }
        }
        input.truncate(LONGEST);
    }
}

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let at = any::<Index>;
    let one = prop_oneof![
        3 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        3 => (at(), at()).prop_map(|(at, token)| Mutation::Token(at, token)),
        2 => (at(), any::<u8>()).prop_map(|(at, length)| Mutation::Drop(at, length)),
        2 => (at(), any::<u8>(), any::<u16>()).prop_map(|(at, length, times)| Mutation::Repeat(at, length, times)),
        2 => (at(), at(), at()).prop_map(|(at, other, from)| Mutation::Cross(at, other, from)),
    ];
    vec(one, 0..8)
}

fn inputs(food: &Food) -> impl Strategy<Value = Vec<u8>> + use<> {
    let seeds: Vec<&'static [u8]> = food.corpus.lines().map(str::as_bytes).collect();
    let tokens = food.tokens;
    let mutated = (any::<Index>(), mutations()).prop_map(move |(seed, mutations)| {
        let mut input = seed.get(&seeds).to_vec();
        mutations.iter().for_each(|one| one.apply(&mut input, &seeds, tokens));
        input
    });
    prop_oneof![9 => mutated, 1 => vec(any::<u8>(), 0..512)]
}

/// How many inputs each test takes.
#[expect(clippy::disallowed_methods, reason = "a test's length is no configuration of the product")]
fn cases() -> u32 {
    std::env::var("TOLLGATE_FUZZ_CASES").map_or(CASES, |text| text.parse().unwrap())
}

/// What the inputs are drawn by: `PROPTEST_RNG_SEED`; else always the same, and one of its own for a longer run.
fn seed() -> u64 {
    match Config::default().rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random if cases() <= CASES => USUAL_SEED,
        RngSeed::Random => RandomState::new().build_hasher().finish(),
    }
}

/// The bytes that are allocated while `work` is done.
fn cost(work: impl FnOnce()) -> usize {
    let before = ALLOCATED.load(Ordering::Relaxed);
    work();
    ALLOCATED.load(Ordering::Relaxed) - before
}

/// Feeds `work`, which stands on what `fresh` makes.
pub fn feed<S>(food: &Food, fresh: impl Fn() -> S, work: impl Fn(&S, &[u8])) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let seed = seed();
    eprintln!("PROPTEST_RNG_SEED={seed} TOLLGATE_FUZZ_CASES={} draws these inputs again", cases());
    let mut left = cases() * food.times;
    for round in 0.. {
        if left == 0 {
            break;
        }
        let cases = left.min(FRESH);
        left -= cases;
        let state = fresh();
        // What is made at the first use belongs to no input.
        food.corpus.lines().for_each(|seed| work(&state, seed.as_bytes()));
        let config = Config {
            cases,
            max_shrink_iters: 2_000,
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(seed.wrapping_add(round)),
            ..Config::default()
        };
        let ran = TestRunner::new(config).run(&inputs(food), |input| {
            let share = food.fixed + food.each * input.len();
            // What others do now and then, as a ledger that begins a new file, does not happen three times in a row.
            let mut costs = std::iter::repeat_with(|| cost(|| work(&state, &input))).take(3);
            let allocated =
                costs.try_fold(usize::MAX, |least, cost| (cost > share).then_some(least.min(cost)));
            if let Some(allocated) = allocated {
                let message = format!("{allocated} bytes allocated for {} of input", input.len());
                return Err(TestCaseError::fail(message));
            }
            Ok(())
        });
        match ran {
            Ok(()) => {}
            Err(TestError::Fail(why, input)) => panic!("{why}\ninput: {}", input.escape_ascii()),
            Err(TestError::Abort(why)) => panic!("{why}"),
        }
    }
}
