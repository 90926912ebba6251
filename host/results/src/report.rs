//! A report's findings in one file: segments, then a footer that describes them, then a trailer that says where the footer
//! is. The file gets its name only once it is complete, and its content is checked before it is used.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use scanhost_domain::field::{Columns, FieldIndex};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    blocks::BlockFile,
    column::Column,
    directory::{self, Part, Segment},
    error::ReportError,
    filter_cache::FilterCache,
    meta::ReportMeta,
    segment_writer::Written,
};

/// The version of the form. Findings of another version are made again from the native report.
const VERSION: u32 = 2;

const FILE: &str = "findings.columns";

const MAGIC: &[u8; 8] = b"findings";

/// The bytes of the trailer: where the footer begins, the lengths of its three parts, its checksum, the version and the
/// magic.
const TRAILER: usize = 5 * 8 + 4 + 8;

/// The open findings of a report.
pub struct Report {
    meta: ReportMeta,
    columns: Columns,
    segments: Vec<Segment>,
    file: BlockFile,
    identity: Identity,
    filter_cache: FilterCache,
}

/// Identifies a file and its state: files with equal identities have equal content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity([u64; 3], [i64; 4]);

impl Identity {
    /// The identity of the findings in this folder; none if there are none.
    pub fn of(folder: &Path) -> io::Result<Option<Self>> {
        match std::fs::metadata(path(folder)) {
            Ok(metadata) => Ok(Some(Self::new(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn new(file: &std::fs::Metadata) -> Self {
        Self([file.dev(), file.ino(), file.len()], [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()])
    }
}

impl Report {
    /// Opens the findings in the folder; none if there are none.
    pub fn open(folder: &Path) -> Result<Option<Self>, ReportError> {
        let file = match File::open(path(folder)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Self::read(file).map(Some)
    }

    fn read(file: File) -> Result<Self, ReportError> {
        let damaged = |what: &str| ReportError::Damaged(what.to_owned());
        let metadata = file.metadata()?;
        let start_of_trailer =
            metadata.len().checked_sub(TRAILER as u64).ok_or_else(|| damaged("the file is cut off"))?;
        let mut trailer = [0; TRAILER];
        file.read_exact_at(&mut trailer, start_of_trailer)?;
        let (numbers, rest) = trailer.split_at(5 * 8);
        let (version, magic) = rest.split_at(4);
        if magic != MAGIC {
            return Err(damaged("the file does not end with its magic number"));
        }
        if version != VERSION.to_le_bytes() {
            return Err(damaged("the file has another version"));
        }
        let [data, directory, sums, meta, checksum] =
            le_numbers(numbers).try_into().map_err(|_| damaged("the trailer is not well formed"))?;
        let parts = [directory, sums, meta].into_iter().try_fold(data, u64::checked_add);
        if parts != Some(start_of_trailer) {
            return Err(damaged("the lengths of the parts do not add up"));
        }
        let mut footer = vec![0; length(start_of_trailer - data)];
        file.read_exact_at(&mut footer, data)?;
        if footer_checksum(&footer, data) != checksum {
            return Err(damaged("the checksum of the footer does not match"));
        }
        let (directory, rest) = footer.split_at(length(directory));
        let (sums, meta) = rest.split_at(length(sums));
        let segments = directory::decode(directory).ok_or_else(|| damaged("the directory is not well formed"))?;
        if segments.iter().flat_map(|segment| &segment.parts).any(|part| part.at > data) {
            return Err(damaged("a column is outside of the file"));
        }
        let meta: ReportMeta = serde_json::from_slice(meta).map_err(|error| damaged(&error.to_string()))?;
        let columns = meta.columns();
        let file_identity = Identity::new(&metadata);
        let file = BlockFile::new(file, data, le_numbers(sums));
        let filter_cache = FilterCache::new(&segments);
        Ok(Self { meta, columns, segments, file, identity: file_identity, filter_cache })
    }

    /// Writes the footer and the trailer after the segments.
    pub fn finish<W: Write>(written: Written<W>, meta: impl FnOnce(&Columns) -> ReportMeta) -> io::Result<W> {
        let Written { out, columns, segments } = written;
        let data = out.length();
        let (mut file, sums) = out.finish();
        let mut footer = directory::encode(&segments);
        let directory = footer.len();
        footer.extend(sums.iter().flat_map(|sum| sum.to_le_bytes()));
        let sums = footer.len() - directory;
        let meta = serde_json::to_vec(&meta(&columns));
        footer.extend(meta.expect("a report's description has string keys and no foreign types"));
        let meta = footer.len() - directory - sums;
        let checksum = footer_checksum(&footer, data);
        file.write_all(&footer)?;
        for number in [data, directory as u64, sums as u64, meta as u64, checksum] {
            file.write_all(&number.to_le_bytes())?;
        }
        file.write_all(&VERSION.to_le_bytes())?;
        file.write_all(MAGIC)?;
        Ok(file)
    }

    pub fn meta(&self) -> &ReportMeta {
        &self.meta
    }

    /// The fields that the findings have.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    pub fn identity(&self) -> Identity {
        self.identity
    }

    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// One field of one segment; none if no finding of the segment has the field.
    pub fn column(&self, segment: usize, field: FieldIndex) -> Option<Column<'_>> {
        let segment = &self.segments[segment];
        let part = segment.part(field)?;
        Some(Column::new(&self.file, part, segment.rows, self.columns.column(field).field_type))
    }

    /// The cache of the rows that the latest filter terms match.
    pub fn filter_cache(&self) -> &FilterCache {
        &self.filter_cache
    }

    /// The bytes that the open report takes in memory, approximately.
    pub fn footprint(&self) -> usize {
        let parts: usize = self.segments.iter().map(|segment| segment.parts.len() * size_of::<Part>()).sum();
        parts + self.file.footprint() + self.filter_cache.footprint()
    }
}

/// The file of the findings in a scan's folder.
pub fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// The checksum of the footer and of its position, which nothing else would check.
fn footer_checksum(footer: &[u8], data: u64) -> u64 {
    xxh3_64(footer) ^ data
}

fn le_numbers(bytes: &[u8]) -> Vec<u64> {
    bytes.chunks_exact(8).map(|bytes| u64::from_le_bytes(bytes.try_into().expect("chunks of 8 bytes"))).collect()
}

fn length(bytes: u64) -> usize {
    usize::try_from(bytes).expect("lengths within a file fit the address space")
}
