//! Cuts NDJSON into lines.

use std::mem;

use memchr::memchr;
use ring::digest::{Context, SHA256};

use super::record::{Fault, LINE_LIMIT, Record, sha};

#[derive(Default)]
pub struct Lines {
    /// Of the line that is being read: all of it, or its start if it is too long.
    kept: Vec<u8>,
    /// Only of a line that is too long.
    long: Option<Long>,
    /// Lines that are read.
    number: u64,
}

struct Long {
    hash: Context,
    /// The last byte was a CR. It is a part of the line only if no LF follows.
    cr: bool,
}

impl Long {
    fn push(&mut self, bytes: &[u8]) {
        let Some((last, before)) = bytes.split_last() else { return };
        if mem::replace(&mut self.cr, *last == b'\r') {
            self.hash.update(b"\r");
        }
        self.hash.update(if self.cr { before } else { bytes });
    }
}

impl Lines {
    /// Reads until a record is complete. Answers how many bytes it took: all, if there is none.
    pub fn split(&mut self, input: &[u8]) -> (usize, Option<Record>) {
        let mut rest = input;
        while let Some(end) = memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            self.push(line);
            rest = after.get(1..).unwrap_or_default();
            if let Some(record) = self.record() {
                return (input.len() - rest.len(), Some(record));
            }
        }
        self.push(rest);
        (input.len(), None)
    }

    /// The last line, if no line feed follows it.
    pub fn finish(&mut self) -> Option<Record> {
        self.record()
    }

    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.kept.capacity()
    }

    fn push(&mut self, bytes: &[u8]) {
        if let Some(long) = &mut self.long {
            long.push(bytes);
        } else if self.kept.len() + bytes.len() <= LINE_LIMIT + 1 {
            self.kept.extend_from_slice(bytes);
        } else {
            let mut long = Long { hash: Context::new(&SHA256), cr: false };
            long.push(&self.kept);
            long.push(bytes);
            self.long = Some(long);
            let room = (LINE_LIMIT + 1).saturating_sub(self.kept.len());
            self.kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
    }

    /// The line that is kept, if it is not blank.
    fn record(&mut self) -> Option<Record> {
        self.number += 1;
        let mut bytes = mem::take(&mut self.kept);
        let mut long = self.long.take();
        if long.is_none() {
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
            if bytes.trim_ascii().is_empty() {
                return None;
            }
            if bytes.len() > LINE_LIMIT {
                let mut whole = Long { hash: Context::new(&SHA256), cr: false };
                whole.hash.update(&bytes);
                long = Some(whole);
            }
        }
        let mut record = Record::line_of(self.number, bytes);
        if let Some(long) = long {
            record.cut(Fault::TooLong, sha(long.hash));
        }
        Some(record)
    }
}
