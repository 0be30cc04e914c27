//! The fields of one CSV record whose bytes are at hand.

use csv::{ByteRecord, Reader, ReaderBuilder};
use std::io::Read;
use tollgate_domain::Invalid;

/// Splits records; its buffers are used again and again.
pub(super) struct CsvRow {
    reader: Reader<Slot>,
    record: ByteRecord,
}

/// One record as a reader.
#[derive(Default)]
struct Slot {
    bytes: Vec<u8>,
    at: usize,
    /// Whether more was asked for than there is.
    exhausted: bool,
}

impl Read for Slot {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let rest = &self.bytes[self.at..];
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        self.at += read;
        self.exhausted |= read == 0;
        Ok(read)
    }
}

fn reader() -> Reader<Slot> {
    ReaderBuilder::new().has_headers(false).flexible(true).from_reader(Slot::default())
}

impl CsvRow {
    pub(super) fn new() -> Self {
        Self { reader: reader(), record: ByteRecord::new() }
    }

    /// The fields of `raw`, of which there must be `columns`.
    pub(super) fn split(&mut self, raw: &[u8], columns: usize) -> Result<&ByteRecord, Invalid> {
        let slot = self.reader.get_mut();
        slot.bytes.clear();
        slot.bytes.extend_from_slice(raw);
        slot.bytes.push(b'\n');
        slot.at = 0;
        let read = self.reader.read_byte_record(&mut self.record);
        // The record ends at the line end that was added, unless that stands within quotes.
        if !matches!(read, Ok(true)) || self.reader.get_ref().exhausted {
            self.reader = reader();
            return Err(Invalid::new("line", "a quoted field has no closing quote: the line is cut"));
        }
        let found = self.record.len();
        if found != columns {
            let message = format!("has {found} fields where the header has {columns}");
            return Err(Invalid::new("line", message));
        }
        Ok(&self.record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_split_one_by_one() {
        let mut row = CsvRow::new();
        let mut split = |raw: &str| {
            row.split(raw.as_bytes(), 3)
                .map(|r| r.iter().map(|f| String::from_utf8_lossy(f).into_owned()).collect::<Vec<_>>())
                .map_err(|error| error.message)
        };
        assert_eq!(split("a,,c").unwrap(), ["a", "", "c"]);
        assert_eq!(split("\"a,\"\"b\n\",x,\"\"").unwrap(), ["a,\"b\n", "x", ""]);
        assert!(split("a,b").unwrap_err().contains("2 fields"));
        assert!(split("a,b,\"c").unwrap_err().contains("no closing quote"));
        assert_eq!(split("1,2,3").unwrap(), ["1", "2", "3"]);
    }
}
