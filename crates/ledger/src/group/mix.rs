//! A quick hash of codes.

use std::hash::Hasher;

/// Mixes codes, which nobody outside chooses: they count up.
#[derive(Default)]
pub(crate) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(4) {
            let mut word = [0; 4];
            word[..part.len()].copy_from_slice(part);
            self.write_u32(u32::from_le_bytes(word));
        }
    }

    fn write_u32(&mut self, code: u32) {
        self.0 = (self.0.rotate_left(21) ^ u64::from(code)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, _: usize) {
        // The length of a key, which is always the same.
    }
}
