//! Decompression of what this program compressed with zstd.

use std::cell::RefCell;
use std::io;
use zstd::bulk::Decompressor;

thread_local! {
    /// Making one costs more than decompressing a page.
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Makes `out` what `packed` holds; an error when that is more than `length` bytes and `out` had no room for more.
pub(crate) fn decompress(packed: &[u8], length: usize, out: &mut Vec<u8>) -> io::Result<()> {
    out.clear();
    out.reserve(length);
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            none => none.insert(Decompressor::new()?),
        };
        decompressor.decompress_to_buffer(packed, out).map(|_| ())
    })
}
