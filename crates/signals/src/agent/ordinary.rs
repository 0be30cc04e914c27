//! Samples of ordinary browsers, one to a line. No rule may take one of them for an automaton: patterns of data files that
//! do are left out, and a test holds the compiled-in rules against them.

/// The samples.
pub(crate) const ORDINARY: &str = include_str!("ordinary.txt");
