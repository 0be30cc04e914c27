//! Bytes that are written, taken line by line.

use std::io::{self, Write};

/// Hands over each line that is written, without its end.
pub(crate) struct Lines<'t> {
    take: &'t mut dyn FnMut(&[u8]) -> io::Result<()>,
    line: Vec<u8>,
}

impl<'t> Lines<'t> {
    /// To `take`.
    pub(crate) fn new(take: &'t mut dyn FnMut(&[u8]) -> io::Result<()>) -> Self {
        Self { take, line: Vec::new() }
    }
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&rest[..at]);
            (self.take)(&self.line)?;
            self.line.clear();
            rest = &rest[at + 1..];
        }
        self.line.extend_from_slice(rest);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
