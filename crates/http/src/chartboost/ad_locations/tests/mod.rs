//! Ad locations through the real router: the vendor's examples, bad input, the rules between them.

mod bad_input;
mod golden;
mod rules;
