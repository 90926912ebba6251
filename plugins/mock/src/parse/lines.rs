//! Splits a file that comes in chunks into lines. It holds one chunk and one line, never the whole file.

use std::ops::Range;

use scanhost_sdk::backend::reader::ParseError;

use super::error;

const CHUNK_BYTES: u32 = 256 * 1024;
const MAX_LINE_BYTES: usize = 4 * 1024 * 1024;

/// Invariant: `buffer[next..]` was not returned yet, and no line ends in `buffer[next..searched]`.
pub struct Lines<R> {
    read: R,
    buffer: Vec<u8>,
    next: usize,
    searched: usize,
    /// Where the buffer begins in the file.
    begin: u64,
}

impl<R: FnMut(u32) -> Result<Vec<u8>, String>> Lines<R> {
    pub fn new(read: R) -> Self {
        Self { read, buffer: Vec::new(), next: 0, searched: 0, begin: 0 }
    }

    /// The number of bytes of the file that were returned.
    pub fn offset(&self) -> u64 {
        self.begin + self.next as u64
    }

    /// Returns the next line that is not empty, and its offset. The last line may lack its line break.
    pub fn next(&mut self) -> Result<Option<(u64, &[u8])>, ParseError> {
        while let Some(line) = self.cut()? {
            if !line.is_empty() {
                return Ok(Some((self.begin + line.start as u64, &self.buffer[line])));
            }
        }
        Ok(None)
    }

    fn cut(&mut self) -> Result<Option<Range<usize>>, ParseError> {
        loop {
            if let Some(length) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.next..self.searched + length;
                self.next = line.end + 1;
                self.searched = self.next;
                return Ok(Some(line));
            }
            if self.buffer.len() - self.next > MAX_LINE_BYTES {
                return Err(error(self.offset(), "a line is longer than 4 MiB"));
            }
            if !self.fill()? {
                let line = self.next..self.buffer.len();
                self.next = line.end;
                return Ok((!line.is_empty()).then_some(line));
            }
        }
    }

    /// Reads a chunk. Returns false at the end of the file.
    fn fill(&mut self) -> Result<bool, ParseError> {
        self.begin += self.next as u64;
        self.buffer.drain(..self.next);
        self.next = 0;
        self.searched = self.buffer.len();
        let chunk = (self.read)(CHUNK_BYTES).map_err(|_| error(self.begin, "the report cannot be read"))?;
        self.buffer.extend_from_slice(&chunk);
        Ok(!chunk.is_empty())
    }
}
