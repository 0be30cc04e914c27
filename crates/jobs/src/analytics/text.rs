//! A result in the form that its caller wants: tab-separated in UTF-16LE, comma-separated in UTF-8, or JSON. It is read and
//! written piece by piece, so that a large one takes little memory.

use super::columns::is_number;
use csv::StringRecord;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufReader};
use tollgate_domain::row::string;

/// Bytes of a piece, or somewhat more.
const PIECE: usize = 64 << 10;

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileForm {
    /// `text/tab-separated-values;charset=UTF-16LE`: every value in double quotes, no byte order mark.
    #[default]
    Tsv,
    /// `text/csv;charset=utf-8`: double quotes only where they are needed.
    Csv,
    /// `application/json`: an array of objects with the titles as keys.
    Json,
}

impl FileForm {
    /// What `csv_format` may say.
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("CSV", Self::Csv), ("TSV", Self::Tsv), ("JSON", Self::Json)];

    /// Its content type, as the vendor writes it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Tsv => "text/tab-separated-values;charset=UTF-16LE",
            Self::Csv => "text/csv;charset=utf-8",
            Self::Json => "application/json",
        }
    }
}

/// A result that is being read.
pub struct ResultFile {
    reader: csv::Reader<BufReader<File>>,
    /// The form it is read in.
    pub form: FileForm,
    titles: Vec<String>,
    lines: u64,
    is_over: bool,
}

impl ResultFile {
    pub(super) fn new(file: File, form: FileForm) -> Self {
        let reader = csv::ReaderBuilder::new().has_headers(false).from_reader(BufReader::new(file));
        Self { reader, form, titles: Vec::new(), lines: 0, is_over: false }
    }

    /// The next piece; `None` after the last one. It blocks.
    pub fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let (mut out, mut record) = (Vec::with_capacity(PIECE), StringRecord::new());
        if self.is_over {
            return Ok(None);
        }
        while out.len() < PIECE {
            if self.reader.read_record(&mut record)? {
                self.line(&record, &mut out)?;
                self.lines += 1;
                continue;
            }
            self.is_over = true;
            if self.form == FileForm::Json {
                out.extend_from_slice(if self.lines < 2 { b"[]" } else { b"]" });
            }
            break;
        }
        Ok((!out.is_empty()).then_some(out))
    }

    fn line(&mut self, record: &StringRecord, out: &mut Vec<u8>) -> io::Result<()> {
        match self.form {
            FileForm::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                writer.write_record(record)?;
                writer.flush()
            }
            FileForm::Tsv => {
                for (n, value) in record.iter().enumerate() {
                    let tab = if n > 0 { "\t" } else { "" };
                    utf16(&format!("{tab}\"{}\"", value.replace('"', "\"\"")), out);
                }
                utf16("\n", out);
                Ok(())
            }
            FileForm::Json => {
                self.object(record, out);
                Ok(())
            }
        }
    }

    fn object(&mut self, record: &StringRecord, out: &mut Vec<u8>) {
        if self.lines == 0 {
            self.titles = record.iter().map(str::to_owned).collect();
            return;
        }
        out.push(if self.lines == 1 { b'[' } else { b',' });
        for (n, (title, value)) in self.titles.iter().zip(record).enumerate() {
            out.push(if n == 0 { b'{' } else { b',' });
            string(title, out);
            out.push(b':');
            match is_number(title) {
                true => out.extend_from_slice(value.as_bytes()),
                false => string(value, out),
            }
        }
        out.push(b'}');
    }
}

fn utf16(text: &str, out: &mut Vec<u8>) {
    out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
}
