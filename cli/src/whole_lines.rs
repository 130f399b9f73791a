//! Cuts an export into what is whole: a connection may break in the middle of a line.

use std::mem;

use pedidos_core::order::OrderId;

use crate::failure::{Failure, Result};

/// What a line of NDJSON begins with; one of CSV begins with the id.
const BEFORE_ID: &[u8] = br#"{"pedidos_id":""#;
const ID_LENGTH: usize = 36;

/// Lines of one answer, as it arrives.
#[derive(Debug)]
pub struct WholeLines {
    is_csv: bool,
    bytes: Vec<u8>,
    /// How far they are looked through.
    read: usize,
    /// In quotes, a line of CSV does not end.
    is_quoted: bool,
    /// Where the line begins that is not whole.
    line: usize,
    /// Where the last order ends that is whole.
    whole: usize,
    /// Its id.
    last: Option<String>,
    orders: u64,
}

/// Orders that are whole. A header line comes with the first of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Whole {
    pub bytes: Vec<u8>,
    pub orders: u64,
    /// The id of the last one.
    pub last: String,
}

impl WholeLines {
    pub const fn new(is_csv: bool) -> Self {
        Self {
            is_csv,
            bytes: Vec::new(),
            read: 0,
            is_quoted: false,
            line: 0,
            whole: 0,
            last: None,
            orders: 0,
        }
    }

    /// Takes a piece, and answers what is whole by now and was not answered before.
    pub fn add(&mut self, piece: &[u8]) -> Option<Whole> {
        self.bytes.extend_from_slice(piece);
        while let Some(byte) = self.bytes.get(self.read) {
            self.read += 1;
            match byte {
                b'"' if self.is_csv => self.is_quoted = !self.is_quoted,
                b'\n' if !self.is_quoted => self.end_line(),
                _ => {}
            }
        }
        let last = self.last.take()?;
        let rest = self.bytes.split_off(self.whole);
        let bytes = mem::replace(&mut self.bytes, rest);
        self.read -= self.whole;
        self.line -= self.whole;
        self.whole = 0;
        Some(Whole { bytes, orders: mem::take(&mut self.orders), last })
    }

    fn end_line(&mut self) {
        let line = self.bytes.get(self.line..self.read).unwrap_or_default();
        if let Some(id) = id_of(line) {
            self.last = Some(id);
            self.whole = self.read;
            self.orders += 1;
        }
        self.line = self.read;
    }

    /// The answer is over. Answers what is left: the header line, if there is no order.
    pub fn end(self) -> Result<Vec<u8>> {
        let is_whole = self.line == self.bytes.len();
        if is_whole && (self.is_csv || self.bytes.is_empty()) {
            return Ok(self.bytes);
        }
        let why = "the answer ends in the middle of a line".to_owned();
        Err(Failure::Unreachable(why))
    }
}

fn id_of(line: &[u8]) -> Option<String> {
    let id = line.strip_prefix(BEFORE_ID).unwrap_or(line).get(..ID_LENGTH)?;
    let id = std::str::from_utf8(id).ok()?;
    id.parse::<OrderId>().ok().map(|_| id.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn id(number: u32) -> String {
        format!("01a20641-6fe7-7000-8000-{number:012}")
    }

    /// Feeds the text in pieces of this length; answers what was whole, the last id, and what is left.
    fn cut(is_csv: bool, text: &str, length: usize) -> (String, Option<String>, Result<Vec<u8>>) {
        let mut lines = WholeLines::new(is_csv);
        let (mut bytes, mut last, mut orders) = (Vec::new(), None, 0);
        for piece in text.as_bytes().chunks(length) {
            if let Some(whole) = lines.add(piece) {
                bytes.extend_from_slice(&whole.bytes);
                (last, orders) = (Some(whole.last), orders + whole.orders);
            }
        }
        assert_eq!(orders > 0, last.is_some());
        (String::from_utf8(bytes).unwrap(), last, lines.end())
    }

    #[test]
    fn what_is_whole_is_the_same_however_it_is_cut() {
        let csv = format!(
            "pedidos_id,cliente,observacoes\r\n{},Ana,\"a\r\nb\"\"\nc\"\r\n{},Bia,\r\n",
            id(1),
            id(2)
        );
        let ndjson = format!(
            "{{\"pedidos_id\":\"{}\",\"cliente\":\"\\\"\"}}\n{{\"pedidos_id\":\"{}\"}}\n",
            id(1),
            id(2)
        );
        for (is_csv, text) in [(true, &csv), (false, &ndjson)] {
            for length in 1..=text.len() {
                let (whole, last, end) = cut(is_csv, text, length);
                assert_eq!((&whole, last), (text, Some(id(2))));
                assert!(end.unwrap().is_empty());
            }
        }
    }

    #[test]
    fn of_an_answer_that_breaks_off_nothing_is_half() {
        let first = format!("pedidos_id,cliente\r\n{},\"Ana\r\nMaria\"\r\n", id(1));
        let broken = format!("{first}{},\"Bia\r\n", id(2));
        for length in [1, 7, 1_000] {
            let (whole, last, end) = cut(true, &broken, length);
            assert_eq!((&whole, last), (&first, Some(id(1))));
            assert_eq!(end.unwrap_err().exit_code(), 4);
        }
        // The header comes with the first order, so that it is not written twice.
        let (whole, last, end) = cut(true, "pedidos_id,cliente\r\n01a2", 5);
        assert_eq!((whole.as_str(), last), ("", None));
        assert!(end.is_err());
        let (whole, _, end) = cut(true, "pedidos_id,cliente\r\n", 5);
        assert_eq!((whole.as_str(), end.unwrap()), ("", b"pedidos_id,cliente\r\n".to_vec()));
        let (_, _, end) = cut(false, "<html>\n", 5);
        assert!(end.is_err(), "this is no export");
    }
}
