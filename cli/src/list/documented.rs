//! docs/importing.md and the list in `examples`, compared with the reader of lists.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, fs, path::Path};

use pedidos_core::list::{ListFormat, ListReader, RejectCode};

/// Shown in words: only the importer can know them, or the line is too long or has no text.
const IN_WORDS: [RejectCode; 6] = [
    RejectCode::LineTooLong,
    RejectCode::NotUtf8,
    RejectCode::TooLong,
    RejectCode::TooDeep,
    RejectCode::DuplicateRef,
    RejectCode::Refused,
];

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    fs::read_to_string(path).unwrap()
}

fn codes(format: ListFormat, list: &str) -> (usize, Vec<&'static str>) {
    let mut reader = ListReader::new(format, false);
    reader.feed(list.as_bytes());
    reader.end();
    let (mut orders, mut codes) = (0, Vec::new());
    while let Some(record) = reader.next().unwrap() {
        match record.parse(None) {
            Ok(_) => orders += 1,
            Err(reject) => codes.push(reject.code.as_str()),
        }
    }
    (orders, codes)
}

/// The cells of the rows of a section's table.
fn rows<'a>(document: &'a str, title: &str) -> Vec<Vec<&'a str>> {
    let section = document.split("\n## ").find(|section| section.starts_with(title)).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

#[test]
fn the_documented_codes_are_those_of_the_reader_each_with_a_line_that_causes_it() {
    let document = file("docs/importing.md");
    let rows = rows(&document, "Why a line is rejected");
    let documented: Vec<_> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(documented, RejectCode::ALL.map(RejectCode::as_str));
    for (row, code) in rows.iter().zip(RejectCode::ALL) {
        if IN_WORDS.contains(&code) {
            continue;
        }
        let (format, line) = match row[1].strip_prefix("CSV: ") {
            Some(line) => (ListFormat::Csv, format!("cliente;valor\n{}", line.trim_matches('`'))),
            None => (ListFormat::Ndjson, row[1].trim_matches('`').to_owned()),
        };
        assert_eq!(codes(format, &line), (0, vec![code.as_str()]), "{line}");
    }
}

#[test]
fn ten_lines_of_the_example_are_bad_in_ten_ways() {
    let list = file("examples/orders.csv");
    let (orders, codes) = codes(ListFormat::Csv, &list);
    // The tenth is a ref that is given twice, which is read as an order.
    assert_eq!((orders, codes.len()), (991, 9));
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 9, "{codes:?}");
    assert_eq!(list.matches("\nPED-000001,").count(), 2);
}

#[test]
fn the_lines_that_the_document_shows_as_good_are_orders() {
    let document = file("docs/importing.md");
    let list = document.split("```\n").find(|block| block.starts_with("{\"ref\"")).unwrap();
    assert_eq!(codes(ListFormat::Ndjson, list), (2, Vec::new()));
}
