//! Reads one list.

use std::fmt;

use super::{
    chain::Chain,
    error::ListError,
    format::ListFormat,
    lines::Lines,
    record::Record,
    sniff::{Sniff, sniff},
    source::Source,
    table::Table,
};

/// One list, from its first byte.
pub struct ListReader {
    format: ListFormat,
    source: Source,
    splitter: Splitter,
    /// The first bytes are those of a list.
    is_list: bool,
    is_over: bool,
    failed: Option<ListError>,
}

enum Splitter {
    Lines(Box<Lines>),
    Table(Box<Table>),
}

impl ListReader {
    #[must_use]
    pub fn new(format: ListFormat, gzip: bool) -> Self {
        let splitter = match format {
            ListFormat::Ndjson => Splitter::Lines(Box::default()),
            ListFormat::Csv => Splitter::Table(Box::new(Table::new())),
        };
        let source = Source::new(gzip);
        Self { format, source, splitter, is_list: false, is_over: false, failed: None }
    }

    /// Takes a piece of the list. All of it is kept: call [`next`](Self::next) until it answers
    /// None before the next piece.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.source.feed(bytes);
    }

    /// The list is complete: a last line without a line end counts. Not to be called for a list that
    /// was broken off.
    pub fn end(&mut self) {
        self.source.end();
    }

    /// The next record. None: it needs more bytes or, after [`end`](Self::end), there is none. An
    /// error is final.
    // An iterator would end at the first None.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Record>, ListError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.step().inspect_err(|error| self.failed = Some(error.clone()))
    }

    /// Bytes of the list, unpacked, up to the end of the last record; all that came, when `next`
    /// answers None.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.source.taken()
    }

    /// The chain before the first record. None until the header of CSV is read: it is part of it,
    /// and it is read before the first record.
    #[must_use]
    pub fn chain_start(&self) -> Option<Chain> {
        match &self.splitter {
            Splitter::Lines(_) => Some(Chain::start(self.format, None)),
            Splitter::Table(table) => {
                table.header().map(|header| Chain::start(self.format, Some(header)))
            }
        }
    }

    /// Bytes that it has allocated for what it reads.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.source.held()
            + match &self.splitter {
                Splitter::Lines(lines) => lines.held(),
                Splitter::Table(table) => table.held(),
            }
    }

    fn step(&mut self) -> Result<Option<Record>, ListError> {
        loop {
            let record = self.read()?;
            if record.is_some() {
                return Ok(record);
            }
            if !self.source.more()? {
                break;
            }
        }
        if !self.is_list || !self.source.is_over() || self.is_over {
            return Ok(None);
        }
        self.is_over = true;
        match &mut self.splitter {
            Splitter::Lines(lines) => Ok(lines.finish()),
            Splitter::Table(table) => table.finish(),
        }
    }

    /// Reads what is there.
    fn read(&mut self) -> Result<Option<Record>, ListError> {
        if !self.is_list {
            match sniff(self.format, self.source.ready(), self.source.is_over())? {
                Sniff::More => return Ok(None),
                Sniff::At(start) => self.source.take(start),
            }
            self.is_list = true;
        }
        let (taken, record) = match &mut self.splitter {
            Splitter::Lines(lines) => lines.split(self.source.ready()),
            Splitter::Table(table) => table.split(self.source.ready())?,
        };
        self.source.take(taken);
        Ok(record)
    }
}

impl fmt::Debug for ListReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListReader")
            .field("format", &self.format)
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}
