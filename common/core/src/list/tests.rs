#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_lists;
mod exports;
mod fields;
mod properties;
mod rejects;
mod sizes;

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::{Chain, ListError, ListFormat, ListReader, OrderLine, Record, Reject};
use crate::order::Priority;

use self::ListFormat::{Csv, Ndjson};

/// What a reader makes of a list.
#[derive(Debug, PartialEq)]
struct Whole {
    orders: Vec<Result<OrderLine, Reject>>,
    lines: Vec<u64>,
    chain: Option<Chain>,
    bytes: u64,
    error: Option<ListError>,
}

/// Reads pieces of a list. `default_priority` is NORMAL.
fn read_pieces<'a>(
    format: ListFormat,
    gzip: bool,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Whole {
    let mut reader = ListReader::new(format, gzip);
    let mut records = Vec::new();
    let mut pieces = pieces.into_iter();
    let mut ended = false;
    let error = loop {
        match reader.next() {
            Ok(Some(record)) => records.push(record),
            Err(error) => {
                assert_eq!(reader.next().unwrap_err(), error, "an error is final");
                break Some(error);
            }
            Ok(None) if ended => break None,
            Ok(None) => {
                let piece = pieces.next();
                ended = piece.is_none();
                if let Some(piece) = piece {
                    reader.feed(piece);
                } else {
                    reader.end();
                }
            }
        }
    };
    let mut chain = reader.chain_start();
    for record in &records {
        chain.as_mut().unwrap().next(record);
    }
    let orders = records.iter().map(|it| it.parse(Some(Priority::Normal))).collect();
    let lines = records.iter().map(Record::line).collect();
    Whole { orders, lines, chain, bytes: reader.bytes(), error }
}

fn read(format: ListFormat, list: impl AsRef<[u8]>) -> Whole {
    read_pieces(format, false, [list.as_ref()])
}

/// Orders of a list that has no mistake.
fn orders(format: ListFormat, list: impl AsRef<[u8]>) -> Vec<OrderLine> {
    let whole = read(format, list);
    assert_eq!(whole.error, None);
    whole.orders.into_iter().map(Result::unwrap).collect()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}
