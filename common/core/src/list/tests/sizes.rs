//! Lines and lists of any size, with memory that is bounded.

use super::{super::RejectCode, *};

/// What a reader may hold: a piece, a record, and what a step of gzip unpacks.
const ROOM: usize = 512 * 1_024;

/// The bytes, again and again, up to a length.
fn repeated(bytes: &[u8], length: usize) -> Vec<u8> {
    bytes.iter().copied().cycle().take(length).collect()
}

#[test]
fn a_line_may_be_64_kib_long_and_no_longer() {
    let line = |length: usize| {
        let start = r#"{"cliente":"Ana","valor":1,"pedidos_x":""#;
        format!("{start}{}\"}}", "x".repeat(length - start.len() - 2))
    };
    for end in ["", "\n", "\r\n"] {
        for (length, fits) in [(65_535, true), (65_536, true), (65_537, false), (65_538, false)] {
            let list = format!("{}{end}", line(length));
            let whole = read(Ndjson, &list);
            assert_eq!(whole.orders[0].is_ok(), fits, "{length} {end:?}");
            for size in [1, 1_000, 65_535, 65_536, 65_537] {
                assert_eq!(read_pieces(Ndjson, false, list.as_bytes().chunks(size)), whole);
            }
            assert_eq!(whole.chain, read(Ndjson, line(length)).chain, "{length} {end:?}");
        }
    }
    // Without the 4 bytes of the other cells.
    let row = |length: usize| format!("cliente,valor\n{},1{}", "x".repeat(length - 1), "\n");
    for (length, code) in [(65_536, RejectCode::TooLong), (65_537, RejectCode::LineTooLong)] {
        let list = row(length);
        let whole = read(Csv, &list);
        assert_eq!(whole.orders[0].as_ref().unwrap_err().code, code, "{length}");
        let quoted = list.replacen('x', "\"x", 1).replace(",1\n", "\",\"1\"\r\n");
        assert_eq!(read(Csv, quoted).chain, whole.chain, "{length}");
        for size in [1, 1_000, 65_535, 65_536, 65_537] {
            assert_eq!(read_pieces(Csv, false, list.as_bytes().chunks(size)), whole);
        }
    }
}

#[test]
fn the_hash_of_a_long_line_covers_all_of_it() {
    let line = repeated(b"0", 10 * 1_024 * 1_024);
    let mut other = line.clone();
    *other.last_mut().unwrap() = b'1';
    assert_ne!(read(Ndjson, &line).chain, read(Ndjson, &other).chain);
    assert_ne!(read(Ndjson, &line).chain, read(Ndjson, [&line[..], b"\r\r\n"].concat()).chain);
    assert_eq!(read(Ndjson, &line).chain, read(Ndjson, [&line[..], b"\r\n"].concat()).chain);
    let csv = |cell: &[u8]| read(Csv, [b"cliente,valor\n", cell, b",1\n"].concat());
    let whole = csv(&line);
    assert_eq!(whole.orders[0].as_ref().unwrap_err().original.len(), 65_536);
    assert_ne!(whole.chain, csv(&other).chain);
    // The same bytes in other cells.
    let mut cells = line.clone();
    cells[5_000_000] = b',';
    let mut moved = line.clone();
    moved[5_000_001] = b',';
    assert_ne!(csv(&cells).chain, csv(&moved).chain);
}

#[test]
fn a_bomb_of_gzip_is_one_reject_and_takes_no_memory() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![b'0'; 1_024 * 1_024];
    (0..200).for_each(|_| gzip.write_all(&zeros).unwrap());
    gzip.write_all(b"\n{\"cliente\":\"Ana\",\"valor\":1}").unwrap();
    let bomb = gzip.finish().unwrap();
    let mut list = ListReader::new(Ndjson, true);
    let mut records = Vec::new();
    for piece in bomb.chunks(64 * 1_024) {
        list.feed(piece);
        while let Some(record) = list.next().unwrap() {
            records.push(record);
        }
        assert!(list.held() < ROOM, "{} bytes", list.held());
    }
    list.end();
    records.extend(std::iter::from_fn(|| list.next().unwrap()));
    assert_eq!((records.len(), list.bytes() >> 20), (2, 200));
    let reject = records[0].parse(None).unwrap_err();
    assert_eq!((reject.code, reject.original.len()), (RejectCode::LineTooLong, 65_536));
    assert_eq!(records[1].parse(Some(Priority::Vip)).unwrap().cliente, "Ana");
}

#[test]
fn no_list_makes_the_reader_hold_more_than_a_piece_and_a_record() {
    let header = "cliente,valor\n";
    for (format, start, unit) in [
        (Ndjson, "", "\n"),
        (Ndjson, "", " "),
        (Ndjson, "", "\0"),
        (Ndjson, "", "{"),
        (Ndjson, "", "{}\n"),
        (Csv, header, "\n"),
        (Csv, header, "\r"),
        (Csv, header, ","),
        (Csv, header, " ,\n"),
        (Csv, header, "\""),
        (Csv, header, "\"x"),
        (Csv, header, "x\"\n"),
        (Csv, "cliente,valor\n\"", "a,b\n"),
        (Csv, "", "\n"),
        (Csv, "", "\0"),
        (Csv, "", "cliente,"),
    ] {
        let list = [start.as_bytes(), &repeated(unit.as_bytes(), 4 << 20)].concat();
        let mut reader = ListReader::new(format, false);
        'list: for piece in list.chunks(64 * 1_024) {
            reader.feed(piece);
            loop {
                match reader.next() {
                    Ok(Some(record)) => {
                        assert!(record.size() <= 65_536 + 4 * 1_002);
                        drop(record.parse(None));
                    }
                    Ok(None) => break,
                    Err(_) => break 'list,
                }
            }
            assert!(reader.held() < ROOM, "{start:?} {unit:?}: {} bytes", reader.held());
        }
        reader.end();
        while let Ok(Some(record)) = reader.next() {
            drop(record.parse(None));
        }
    }
}
