//! The Parquet files of a publication, in the layout of segments.

use super::manifest::{Entry, What};
use super::{INTEGRATIONS, OfDay, PublishError, PublishOptions, PublishedIntegration, disk, folder_of};
use crate::disk::RealDisk;
use crate::segment::{self, Layout, Segment, SegmentMeta};
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tollgate_domain::{EventKind, KINDS_ALL};

/// The name of the file that has every column and no row: engines learn from it what columns there are.
const COLUMNS: &str = "columns.parquet";

/// The folder in which files are written before they get their places.
pub(super) struct Files {
    root: PathBuf,
    disk: RealDisk,
}

impl Files {
    /// Makes the folders that files go to.
    pub(super) fn create(root: &Path) -> Result<Self, PublishError> {
        let folders = KINDS_ALL.iter().flat_map(|kind| [folder_of(*kind, false), folder_of(*kind, true)]);
        for folder in folders.chain([INTEGRATIONS.to_owned()]) {
            let path = root.join(folder);
            fs::create_dir(&path).map_err(disk(&path))?;
        }
        let real = RealDisk::new(root).map_err(disk(root))?;
        Ok(Self { root: root.to_owned(), disk: real })
    }

    /// Links a segment, all of whose rows are there; copies it where that cannot be.
    pub(super) fn link(
        &self,
        segment: &Segment,
        options: &PublishOptions<'_>,
    ) -> Result<Entry, PublishError> {
        let meta = segment.meta();
        let mut entry = entry(meta, What::Events);
        let to = self.root.join(&entry.path);
        let from = options.ledger.join(segment::path(&meta.name));
        entry.linked = !options.copy && fs::hard_link(from, &to).is_ok();
        if !entry.linked {
            copy(segment, &to)?;
        }
        Ok(entry)
    }

    /// Writes a segment again without the rows that are deleted. `go_on` is asked now and then.
    pub(super) fn rewrite(
        &self,
        segment: &Arc<Segment>,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Entry, PublishError> {
        let (name, sources) = (&segment.meta().name, std::slice::from_ref(segment));
        let meta = segment::merge(Layout::default(), &self.disk, name, sources, go_on)?;
        self.place(&meta, What::Events)
    }

    /// Writes encoded rows of one kind and day: events, or amendments of events.
    pub(super) fn rows(
        &self,
        (kind, day): OfDay,
        rows: &[&[u8]],
        amendments: bool,
    ) -> Result<Entry, PublishError> {
        let (what, end) = if amendments { (What::Amendments, "amendments") } else { (What::Events, "open") };
        let name = format!("{}-{day}-{end}.parquet", kind.name());
        let meta = segment::write(&self.disk, &name, kind, day, rows)?;
        self.place(&meta, what)
    }

    /// Moves what was written to where it belongs.
    fn place(&self, meta: &SegmentMeta, what: What) -> Result<Entry, PublishError> {
        segment::publish(&self.disk, &[&meta.name])?;
        let entry = entry(meta, what);
        let (from, to) = (self.root.join(segment::path(&meta.name)), self.root.join(&entry.path));
        fs::rename(&from, &to).map_err(disk(&to))?;
        Ok(entry)
    }

    /// Writes the file without rows of a kind's events, or of their amendments.
    pub(super) fn columns(&self, kind: EventKind, amendments: bool) -> Result<Entry, PublishError> {
        let schema = Arc::new(segment::whole_schema(kind));
        let path = format!("{}/{COLUMNS}", folder_of(kind, amendments));
        let entry = self.table(path, What::Columns, &RecordBatch::new_empty(schema))?;
        Ok(Entry { kind: Some(kind.name()), ..entry })
    }

    /// Writes what is told of integrations.
    pub(super) fn integrations(&self, all: &[PublishedIntegration]) -> Result<Entry, PublishError> {
        type Cell = fn(&PublishedIntegration) -> &str;
        let columns: [(&str, Cell); 4] = [
            ("integration_id", |one| one.id.as_str()),
            ("organization", |one| one.organization.as_str()),
            ("name", |one| &one.name),
            ("time_zone", |one| &one.time_zone),
        ];
        let fields = columns.map(|(name, _)| Field::new(name, DataType::Utf8, false));
        let array = |cell: Cell| Arc::new(StringArray::from_iter_values(all.iter().map(cell))) as ArrayRef;
        let arrays = columns.map(|(_, cell)| array(cell)).to_vec();
        let path = format!("{INTEGRATIONS}/{INTEGRATIONS}.parquet");
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), arrays);
        let batch = batch.map_err(|error| disk(&self.root.join(&path))(io::Error::other(error)))?;
        self.table(path, What::Integrations, &batch)
    }

    /// Writes a small table.
    fn table(&self, path: String, what: What, batch: &RecordBatch) -> Result<Entry, PublishError> {
        let encode = || -> Result<Vec<u8>, ParquetError> {
            let options = ArrowWriterOptions::new().with_skip_arrow_metadata(true);
            let mut writer = ArrowWriter::try_new_with_options(Vec::new(), batch.schema(), options)?;
            writer.write(batch)?;
            writer.into_inner()
        };
        let to = self.root.join(&path);
        let bytes = encode().map_err(|error| disk(&to)(io::Error::other(error)))?;
        let write = || {
            let mut file = File::create_new(&to)?;
            file.write_all(&bytes)?;
            file.sync_all()
        };
        write().map_err(disk(&to))?;
        Ok(Entry {
            path,
            what,
            kind: None,
            day: None,
            rows: batch.num_rows() as u64,
            bytes: bytes.len() as u64,
            crc32c: format!("{:08x}", crc32c::crc32c(&bytes)),
            min_seq: None,
            max_seq: None,
            linked: false,
        })
    }

    /// Makes the names of all files durable.
    pub(super) fn end(self) -> Result<(), PublishError> {
        let written = self.root.join(segment::DIR);
        if written.exists() {
            fs::remove_dir(&written).map_err(disk(&written))?;
        }
        let sync = |folder: fs::DirEntry| File::open(folder.path())?.sync_all();
        let all = fs::read_dir(&self.root).and_then(|mut all| all.try_for_each(|one| sync(one?)));
        all.map_err(disk(&self.root))
    }
}

fn entry(meta: &SegmentMeta, what: What) -> Entry {
    Entry {
        path: format!("{}/{}", folder_of(meta.kind, what == What::Amendments), meta.name),
        what,
        kind: Some(meta.kind.name()),
        day: Some(meta.day.to_string()),
        rows: meta.rows,
        bytes: meta.bytes,
        crc32c: format!("{:08x}", meta.crc),
        min_seq: Some(meta.min_seq),
        max_seq: Some(meta.max_seq),
        linked: false,
    }
}

/// Copies a segment's file, comparing what is read with the manifest.
fn copy(segment: &Segment, to: &Path) -> Result<(), PublishError> {
    let mut file = File::create_new(to).map_err(disk(to))?;
    let mut written = Ok(());
    segment.read_whole(|part| {
        if written.is_ok() {
            written = file.write_all(part);
        }
    })?;
    written.and_then(|()| file.sync_all()).map_err(disk(to))
}
