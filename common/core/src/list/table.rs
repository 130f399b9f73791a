//! Cuts CSV into its header and its records.

use std::{mem, sync::Arc};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::memchr_iter;
use ring::digest::{Context, SHA256};

use super::{
    encoded::encode,
    error::ListError,
    header::{Header, MAX_COLUMNS, delimiter},
    record::{Fault, LINE_LIMIT, Record, sha},
};

pub struct Table {
    core: Reader,
    head: Head,
    header: Option<Arc<Header>>,
    row: Row,
    /// The line that is being read, from 1.
    line: u64,
    /// The byte before was a CR that ended a line, unless an LF follows.
    after_cr: bool,
}

/// The header line, until it is whole: it tells the delimiter.
#[derive(Default)]
struct Head {
    line: Vec<u8>,
    quoted: bool,
}

/// The record that is being read.
struct Row {
    /// The line on which it begins, once it has begun.
    begun: Option<u64>,
    /// Its cells, one after the other, up to `length`.
    bytes: Vec<u8>,
    length: usize,
    /// Where they end, up to `cells`.
    ends: Vec<usize>,
    cells: usize,
    /// Only of one that is too long.
    spilled: Option<Spilled>,
}

struct Spilled {
    start: Vec<u8>,
    length: usize,
    bytes: Context,
    ends: Context,
}

impl Table {
    pub fn new() -> Self {
        let row = Row {
            begun: None,
            bytes: vec![0; LINE_LIMIT + 1],
            length: 0,
            ends: vec![0; MAX_COLUMNS + 1],
            cells: 0,
            spilled: None,
        };
        let (core, head) = (Reader::new(), Head::default());
        Self { core, head, header: None, row, line: 1, after_cr: false }
    }

    pub fn header(&self) -> Option<&Header> {
        self.header.as_deref()
    }

    /// Reads until a record is complete. Answers how many bytes it took: all, if there is none.
    pub fn split(&mut self, input: &[u8]) -> Result<(usize, Option<Record>), ListError> {
        let mut rest = input;
        while !rest.is_empty() {
            let Some(header) = self.header.clone() else {
                rest = self.read_header(rest)?;
                continue;
            };
            if self.row.begun.is_none() {
                rest = self.skip_line_ends(rest);
                if rest.is_empty() {
                    break;
                }
                self.row.begun = Some(self.line);
            }
            let (is_whole, taken) = self.row.read(&mut self.core, rest);
            let (bytes, after) = rest.split_at(taken);
            self.line += memchr_iter(b'\n', bytes).count() as u64;
            self.after_cr = is_whole && bytes.last() == Some(&b'\r');
            rest = after;
            if is_whole && let Some(record) = self.row.record(header) {
                return Ok((input.len() - rest.len(), Some(record)));
            }
        }
        Ok((input.len(), None))
    }

    /// The last record, if no line end follows it.
    pub fn finish(&mut self) -> Result<Option<Record>, ListError> {
        let header = match self.header.clone() {
            Some(header) => header,
            None => self.complete_header()?,
        };
        if self.row.begun.is_none() {
            return Ok(None);
        }
        // A line end completes the record, or is a part of a cell whose quote is open.
        let (mut is_open, mut end) = (false, b"\n".as_slice());
        // Each step that is not the last one makes room for the next.
        for _ in 0..8 {
            let (is_whole, taken) = self.row.read(&mut self.core, end);
            if is_whole {
                let mut record = self.row.record(header);
                if is_open {
                    record.iter_mut().for_each(Record::is_open);
                }
                return Ok(record);
            }
            if taken == 1 {
                (is_open, end) = (true, b"");
            }
        }
        Ok(None)
    }

    #[cfg(test)]
    pub fn held(&self) -> usize {
        let row = self.row.bytes.capacity() + 8 * self.row.ends.capacity();
        let spilled = self.row.spilled.as_ref().map_or(0, |spilled| spilled.start.capacity());
        row + spilled + self.head.line.capacity()
    }

    /// CR, LF and CR LF each end one line.
    fn skip_line_ends<'a>(&mut self, mut input: &'a [u8]) -> &'a [u8] {
        while let Some((first, rest)) = input.split_first() {
            match (first, mem::take(&mut self.after_cr)) {
                (b'\r', after) => {
                    self.line += u64::from(after);
                    self.after_cr = true;
                }
                (b'\n', _) => self.line += 1,
                (_, after) => {
                    self.line += u64::from(after);
                    break;
                }
            }
            input = rest;
        }
        input
    }

    fn read_header<'a>(&mut self, input: &'a [u8]) -> Result<&'a [u8], ListError> {
        let input = if self.head.line.is_empty() { self.skip_line_ends(input) } else { input };
        for (index, byte) in input.iter().enumerate() {
            self.head.quoted ^= *byte == b'"';
            self.head.line.push(*byte);
            if matches!(byte, b'\r' | b'\n') && !self.head.quoted {
                self.after_cr = *byte == b'\r';
                self.line += memchr_iter(b'\n', &self.head.line).count() as u64;
                if self.head.line.trim_ascii().is_empty() {
                    self.head.line.clear();
                } else {
                    self.complete_header()?;
                }
                return Ok(input.get(index + 1..).unwrap_or_default());
            }
            if self.head.line.len() > LINE_LIMIT {
                return Err(ListError::Broken(
                    "The header line is longer than 64 KiB: the first line of a CSV list names its \
                     columns; perhaps a quote in it is never closed"
                        .to_owned(),
                ));
            }
        }
        Ok(&[])
    }

    fn complete_header(&mut self) -> Result<Arc<Header>, ListError> {
        let mut line = mem::take(&mut self.head.line);
        if line.trim_ascii().is_empty() {
            return Err(ListError::Broken(
                "The list is empty: a CSV list begins with a header line, such as cliente,valor"
                    .to_owned(),
            ));
        }
        if !line.ends_with(b"\n") && !line.ends_with(b"\r") {
            line.push(b'\n');
        }
        let delimiter = delimiter(&line);
        self.core = ReaderBuilder::new().delimiter(delimiter).build();
        let (is_whole, taken) = self.row.read(&mut self.core, &line);
        let row = &mut self.row;
        if row.spilled.take().is_some() || row.cells > MAX_COLUMNS {
            return Err(ListError::Broken(format!(
                "The header line names more than {MAX_COLUMNS} columns: send fewer; what belongs \
                 together fits into the column dados, as a JSON object"
            )));
        }
        // A quote within a cell opens nothing, and hid the end of the line from us.
        if !is_whole || taken < line.len() {
            return Err(ListError::Broken(
                "A double quote in the header line is never closed: close it, or take it out"
                    .to_owned(),
            ));
        }
        let bytes = row.bytes.get(..mem::take(&mut row.length)).unwrap_or_default();
        let ends = row.ends.get(..mem::take(&mut row.cells)).unwrap_or_default();
        let header = Arc::new(Header::new(delimiter, bytes, ends)?);
        self.header = Some(Arc::clone(&header));
        Ok(header)
    }
}

impl Row {
    /// Reads on. Answers whether the record is whole, and how many bytes it took.
    fn read(&mut self, core: &mut Reader, input: &[u8]) -> (bool, usize) {
        let room = self.bytes.get_mut(self.length..).unwrap_or_default();
        let ends = self.ends.get_mut(self.cells..).unwrap_or_default();
        let (result, taken, length, cells) = core.read_record(input, room, ends);
        self.length += length;
        self.cells += cells;
        let is_whole = matches!(result, ReadRecordResult::Record);
        if !is_whole && (self.length == self.bytes.len() || self.cells == self.ends.len()) {
            self.spill();
        }
        (is_whole, taken)
    }

    /// Hashes what is there and makes room for more.
    fn spill(&mut self) {
        let bytes = self.bytes.get(..mem::take(&mut self.length)).unwrap_or_default();
        let ends = self.ends.get(..mem::take(&mut self.cells)).unwrap_or_default();
        let spilled = self.spilled.get_or_insert_with(|| Spilled {
            start: encode(bytes, ends),
            length: 0,
            bytes: Context::new(&SHA256),
            ends: Context::new(&SHA256),
        });
        spilled.length += bytes.len();
        spilled.bytes.update(bytes);
        for end in ends {
            spilled.ends.update(&(*end as u64).to_le_bytes());
        }
    }

    /// The record, which is whole, if it is not blank.
    fn record(&mut self, header: Arc<Header>) -> Option<Record> {
        let line = self.begun.take()?;
        if self.spilled.is_some() || self.length > LINE_LIMIT || self.cells > MAX_COLUMNS {
            self.spill();
        }
        let Some(spilled) = self.spilled.take() else {
            let bytes = self.bytes.get(..mem::take(&mut self.length)).unwrap_or_default();
            let ends = self.ends.get(..mem::take(&mut self.cells)).unwrap_or_default();
            let is_blank = bytes.trim_ascii().is_empty();
            return (!is_blank).then(|| Record::cells_of(line, encode(bytes, ends), header));
        };
        let is_long = spilled.length > LINE_LIMIT;
        let mut hash = Context::new(&SHA256);
        hash.update(&sha(spilled.bytes));
        hash.update(&sha(spilled.ends));
        let mut record = Record::cells_of(line, spilled.start, header);
        record.cut(if is_long { Fault::TooLong } else { Fault::TooManyCells }, sha(hash));
        Some(record)
    }
}
