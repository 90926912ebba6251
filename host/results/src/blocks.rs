//! A file in blocks of 64 KiB, each with a checksum. A block is checked when it is first read, so that every returned byte
//! is of a checked block.

use std::{
    fs::File,
    io::{self, Write},
    ops::Range,
    os::unix::fs::FileExt as _,
    sync::atomic::{AtomicBool, Ordering},
};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::error::ReportError;

pub const BLOCK: usize = 64 << 10;

/// Writes a file from its start to its end.
pub struct BlockWriter<W> {
    file: W,
    length: u64,
    current: Xxh3,
    sums: Vec<u64>,
}

impl<W: Write> BlockWriter<W> {
    pub fn new(file: W) -> Self {
        Self { file, length: 0, current: Xxh3::new(), sums: Vec::new() }
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        while !bytes.is_empty() {
            let within = usize::try_from(self.length % BLOCK as u64).expect("less than a block");
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - within));
            self.current.update(now);
            self.length += now.len() as u64;
            if within + now.len() == BLOCK {
                self.end_block();
            }
            bytes = later;
        }
        Ok(())
    }

    fn end_block(&mut self) {
        self.sums.push(self.current.digest());
        self.current.reset();
    }

    /// Returns the file and the checksums of its blocks.
    pub fn finish(mut self) -> (W, Vec<u64>) {
        if !self.length.is_multiple_of(BLOCK as u64) {
            self.end_block();
        }
        (self.file, self.sums)
    }
}

/// Reads from any position of such a file.
pub struct BlockFile {
    file: File,
    length: u64,
    blocks: Vec<Block>,
}

struct Block {
    sum: u64,
    is_checked: AtomicBool,
}

impl BlockFile {
    /// The file's first `length` bytes, with these checksums.
    pub fn new(file: File, length: u64, sums: Vec<u64>) -> Self {
        let blocks = sums.into_iter().map(|sum| Block { sum, is_checked: AtomicBool::new(false) }).collect();
        Self { file, length, blocks }
    }

    /// Bytes that the checksums take in memory.
    pub fn footprint(&self) -> usize {
        self.blocks.len() * size_of::<Block>()
    }

    pub fn read(&self, at: u64, length: usize) -> Result<Vec<u8>, ReportError> {
        let mut bytes = Vec::new();
        self.read_into(at, length, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads into `bytes`, whose content is replaced.
    pub fn read_into(&self, at: u64, length: usize, bytes: &mut Vec<u8>) -> Result<(), ReportError> {
        bytes.clear();
        let end = at.checked_add(length as u64).filter(|end| *end <= self.length);
        let end = end.ok_or_else(|| ReportError::Damaged("a part is outside of the file".into()))?;
        if length == 0 {
            return Ok(());
        }
        let touched = index(at / BLOCK as u64)..index(end.div_ceil(BLOCK as u64));
        let blocks = &self.blocks[touched.clone()];
        // A checked block stays checked: a changed file has another identity and is opened anew.
        if blocks.iter().all(|block| block.is_checked.load(Ordering::Relaxed)) {
            bytes.resize(length, 0);
            return self.fill(at, bytes);
        }
        let start = (touched.start * BLOCK) as u64;
        let whole = ((touched.end * BLOCK) as u64).min(self.length) - start;
        bytes.resize(index(whole), 0);
        self.fill(start, bytes)?;
        for (block, content) in blocks.iter().zip(bytes.chunks(BLOCK)) {
            if xxh3_64(content) != block.sum {
                return Err(ReportError::Damaged("the checksum of a block does not match".into()));
            }
            block.is_checked.store(true, Ordering::Relaxed);
        }
        let wanted: Range<usize> = index(at - start)..index(end - start);
        bytes.truncate(wanted.end);
        bytes.drain(..wanted.start);
        Ok(())
    }

    fn fill(&self, at: u64, bytes: &mut [u8]) -> Result<(), ReportError> {
        self.file.read_exact_at(bytes, at).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ReportError::Damaged("the file is cut off".into()),
            _ => error.into(),
        })
    }
}

fn index(place: u64) -> usize {
    usize::try_from(place).expect("places in files fit the address space")
}
