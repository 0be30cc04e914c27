//! Facts of user agents seen before.
//!
//! Each worker thread owns one cache, so there is nothing to lock. It belongs to one set of files: when the set is
//! swapped it starts empty. Two halves bound it: what was not asked for while a half filled up is forgotten.

use crate::agent::{AgentFacts, cut};
use crate::set::SignalSet;
use hashbrown::HashMap;
use std::sync::Arc;

/// User agent to facts, bounded in entries and in bytes.
pub struct AgentCache {
    /// Which set the facts are of.
    generation: u64,
    young: HashMap<Box<str>, Arc<AgentFacts>>,
    old: HashMap<Box<str>, Arc<AgentFacts>>,
    young_bytes: usize,
    half: usize,
    misses: u64,
}

/// The keys of one half may hold this many bytes for each entry of its capacity, so that long ones do not multiply memory.
const BYTES_PER_ENTRY: usize = 256;

impl AgentCache {
    /// A cache of at most `capacity` user agents.
    pub fn new(capacity: usize) -> Self {
        let half = (capacity / 2).max(1);
        Self { generation: 0, young: HashMap::new(), old: HashMap::new(), young_bytes: 0, half, misses: 0 }
    }

    /// How often facts had to be made.
    pub fn misses(&self) -> u64 {
        self.misses
    }

    /// How many user agents it holds.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The facts of a user agent as `set` knows them.
    pub fn facts(&mut self, set: &SignalSet, agent: &str) -> &Arc<AgentFacts> {
        let agent = cut(agent);
        if self.generation != set.generation() {
            self.generation = set.generation();
            self.young.clear();
            self.old.clear();
            self.young_bytes = 0;
        }
        if !self.young.contains_key(agent) {
            let (key, facts) = self.old.remove_entry(agent).unwrap_or_else(|| {
                self.misses += 1;
                (agent.into(), set.agent(agent))
            });
            self.insert(key, facts);
        }
        // Stands there: it was found or has just been inserted.
        &self.young[agent]
    }

    fn insert(&mut self, key: Box<str>, facts: Arc<AgentFacts>) {
        let full =
            self.young.len() >= self.half || self.young_bytes + key.len() > self.half * BYTES_PER_ENTRY;
        if full {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
            self.young_bytes = 0;
        }
        self.young_bytes += key.len();
        self.young.insert(key, facts);
    }
}
