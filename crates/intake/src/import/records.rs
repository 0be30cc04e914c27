//! Where a file's records begin and end: a line each, but for CSV, whose quoted fields may hold line ends.

use super::request::Format;
use super::summary::ImportError;
use csv::{ByteRecord, ReaderBuilder};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;

/// Longest record, in bytes.
pub(super) const MAX_RECORD: usize = 1 << 20;
/// Bytes read for a record that is not near the last one.
const FAR: usize = 4096;
/// Bytes read at a time.
const BUFFER: usize = 1 << 18;

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) length: u32,
    /// Number of its first line, from 1.
    pub(super) line: u64,
}

/// A file's records, from first to last.
pub(super) enum Records {
    Lines(Lines),
    Csv(Box<CsvRecords>),
}

impl Records {
    /// The records of `file`; a CSV file's header is read at once.
    pub(super) fn open(file: &File, format: Format) -> Result<Self, ImportError> {
        let file = Positioned { file: file.try_clone().map_err(ImportError::File)?, at: 0 };
        Ok(match format {
            Format::Csv => Self::Csv(Box::new(CsvRecords::open(file)?)),
            Format::Combined | Format::Ndjson => {
                Self::Lines(Lines { reader: BufReader::with_capacity(BUFFER, file), offset: 0, line: 0 })
            }
        })
    }

    /// A CSV file's column names.
    pub(super) fn header(&self) -> Option<&[String]> {
        match self {
            Self::Lines(_) => None,
            Self::Csv(records) => Some(&records.header),
        }
    }

    /// Puts the next record that is not empty into `raw`, without its line end. Of a line that is too long only the
    /// first [`MAX_RECORD`] bytes and one more are kept.
    pub(super) fn next(&mut self, raw: &mut Vec<u8>) -> Result<Option<Place>, ImportError> {
        match self {
            Self::Lines(lines) => lines.next(raw),
            Self::Csv(records) => records.next(raw),
        }
    }
}

/// A file read through positions of our own, since the same file is read twice.
pub(super) struct Positioned {
    file: File,
    at: u64,
}

impl Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

pub(super) struct Lines {
    reader: BufReader<Positioned>,
    offset: u64,
    line: u64,
}

impl Lines {
    fn next(&mut self, raw: &mut Vec<u8>) -> Result<Option<Place>, ImportError> {
        loop {
            raw.clear();
            let offset = self.offset;
            let limit = MAX_RECORD as u64 + 2;
            let read = self.reader.by_ref().take(limit).read_until(b'\n', raw).map_err(ImportError::File)?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            self.offset += read as u64;
            if read as u64 == limit && raw.last() != Some(&b'\n') {
                self.skip_line()?;
            }
            strip_end(raw);
            let mark = if offset == 0 && raw.starts_with(BOM) { BOM.len() } else { 0 };
            raw.drain(..mark);
            raw.truncate(MAX_RECORD + 1);
            if !raw.iter().all(u8::is_ascii_whitespace) {
                let offset = offset + mark as u64;
                return Ok(Some(Place { offset, length: raw.len() as u32, line: self.line }));
            }
        }
    }

    /// Reads on to the end of a line that is too long.
    fn skip_line(&mut self) -> Result<(), ImportError> {
        loop {
            let buffer = self.reader.fill_buf().map_err(ImportError::File)?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.reader.consume(used);
            self.offset += used as u64;
            if end.is_some() || used == 0 {
                return Ok(());
            }
        }
    }
}

const BOM: &[u8] = b"\xef\xbb\xbf";

fn strip_end(raw: &mut Vec<u8>) {
    if raw.last() == Some(&b'\n') {
        raw.pop();
    }
    if raw.last() == Some(&b'\r') {
        raw.pop();
    }
}

/// Finds CSV records with the `csv` crate and keeps their very bytes.
pub(super) struct CsvRecords {
    reader: csv::Reader<Kept>,
    header: Vec<String>,
    record: ByteRecord,
    /// The line the record at hand begins on.
    line: u64,
}

/// Remembers what was read until it is let go.
struct Kept {
    file: Positioned,
    bytes: Vec<u8>,
    /// Where in the file `bytes` begins.
    start: u64,
    /// Where in the file the record that is being read begins.
    record: u64,
}

impl Read for Kept {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let done = (self.record - self.start) as usize;
        if done > BUFFER {
            self.bytes.drain(..done);
            self.start = self.record;
        }
        if self.bytes.len() - (self.record - self.start) as usize > MAX_RECORD + BUFFER {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        let read = self.file.read(buffer)?;
        self.bytes.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

impl CsvRecords {
    fn open(file: Positioned) -> Result<Self, ImportError> {
        let kept = Kept { file, bytes: Vec::new(), start: 0, record: 0 };
        let reader = ReaderBuilder::new().flexible(true).buffer_capacity(BUFFER).from_reader(kept);
        let mut records = Self { reader, header: Vec::new(), record: ByteRecord::new(), line: 1 };
        let header = records.reader.headers().cloned();
        let header = header.map_err(|error| records.broken(&error))?;
        records.header =
            header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
        Ok(records)
    }

    fn next(&mut self, raw: &mut Vec<u8>) -> Result<Option<Place>, ImportError> {
        let begin = self.reader.position().byte();
        self.line = self.reader.position().line();
        self.reader.get_mut().record = begin;
        match self.reader.read_byte_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return Err(self.broken(&error)),
        }
        let end = self.reader.position().byte();
        let first_line = self.record.position().map_or(0, csv::Position::line);
        let kept = self.reader.get_mut();
        let whole = &kept.bytes[(begin - kept.start) as usize..(end - kept.start) as usize];
        // Blank lines, and the second half of the line end before, may stand in front.
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let lead = whole.iter().take_while(|byte| is_end(byte)).count();
        let skipped = whole[..lead].iter().filter(|byte| **byte == b'\n').count() as u64;
        let trail = whole[lead..].iter().rev().take_while(|byte| is_end(byte)).count();
        raw.clear();
        raw.extend_from_slice(&whole[lead..whole.len() - trail]);
        let place =
            Place { offset: begin + lead as u64, length: raw.len() as u32, line: first_line + skipped };
        Ok(Some(place))
    }

    fn broken(&self, error: &csv::Error) -> ImportError {
        match error.kind() {
            csv::ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                ImportError::Endless { line: self.line, limit: MAX_RECORD }
            }
            csv::ErrorKind::Io(error) => {
                ImportError::File(std::io::Error::new(error.kind(), error.to_string()))
            }
            other => ImportError::File(std::io::Error::other(format!("{other:?}"))),
        }
    }
}

/// Reads records again, wherever they stand. Neighbours come from one read.
pub(super) struct Random<'a> {
    file: &'a File,
    start: u64,
    window: Vec<u8>,
}

impl<'a> Random<'a> {
    pub(super) fn new(file: &'a File) -> Self {
        Self { file, start: 0, window: Vec::new() }
    }

    /// The bytes of a record; fewer when the file has become shorter.
    pub(super) fn read(&mut self, place: Place) -> Result<&[u8], ImportError> {
        let end = place.offset + u64::from(place.length);
        if place.offset < self.start || end > self.start + self.window.len() as u64 {
            // The next line is likely to be followed by its neighbours, one that is far away is not.
            let near = self.start..=self.start + (self.window.len() + FAR) as u64;
            let ahead = if near.contains(&place.offset) { BUFFER } else { FAR };
            self.window.resize((place.length as usize).max(ahead), 0);
            self.start = place.offset;
            let mut filled = 0;
            while filled < self.window.len() {
                let at = self.start + filled as u64;
                match self.file.read_at(&mut self.window[filled..], at).map_err(ImportError::File)? {
                    0 => break,
                    read => filled += read,
                }
            }
            self.window.truncate(filled);
        }
        let from = (place.offset - self.start) as usize;
        let to = ((end - self.start) as usize).min(self.window.len());
        Ok(&self.window[from.min(to)..to])
    }
}
