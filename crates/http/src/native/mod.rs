//! The house's own API: what neither vendor has.

pub mod imports;
