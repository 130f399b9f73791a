//! What is no list, or none that can be read.

use super::*;

fn fails(format: ListFormat, gzip: bool, list: impl AsRef<[u8]>) -> ListError {
    let list = list.as_ref();
    let whole = read_pieces(format, gzip, [list]);
    let error = whole.error.unwrap_or_else(|| panic!("{:?} is read", &list[..list.len().min(80)]));
    let bytes = read_pieces(format, gzip, list.chunks(1));
    assert_eq!(bytes.error, Some(error.clone()), "byte by byte");
    error
}

#[test]
fn what_is_no_list_is_refused_by_name() {
    let utf_16: Vec<u8> = "{\"cliente\"".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = "cliente,valor".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let with_mark = [b"\xff\xfe", utf_16.as_slice()].concat();
    for (format, list, says) in [
        (Ndjson, utf_16.as_slice(), "UTF-16"),
        (Csv, &big, "UTF-16"),
        (Csv, &with_mark, "UTF-16"),
        (Csv, b"\xfe\xff\0c", "UTF-16"),
        (Csv, b"PK\x03\x04\x14\0\x06\0[Content_Types].xml", ".xlsx"),
        (Ndjson, b"PK\x03\x04\x14\0\0\0list.ndjson", "ZIP"),
        (Csv, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"),
        (Ndjson, &packed(b"{}"), "Content-Encoding: gzip"),
        (Ndjson, b"\x28\xb5\x2f\xfd\x24", "Zstandard"),
        (Csv, b"%PDF-1.7", "PDF"),
        (Csv, b"\xef\xbb\xbf <!doctype html><title>Login", "HTML"),
        (Ndjson, b"\n\n<html>", "HTML"),
        (Ndjson, b"[{\"cliente\":\"Ana\"}]", "JSON array"),
        (Ndjson, b"\xef\xbb\xbf\r\n [\n", "JSON array"),
        (Csv, b"[{\"cliente\":\"Ana\"}]", "application/x-ndjson"),
        (Csv, b"{\"cliente\":\"Ana\"}\n", "application/x-ndjson"),
    ] {
        let ListError::NotAList(text) = fails(format, false, list) else { panic!("{says}") };
        assert!(text.contains(says) && text.len() < 150, "{text}");
    }
    assert!(matches!(fails(Ndjson, true, packed(&packed(b"{}"))), ListError::NotAList(_)));
}

#[test]
fn a_broken_list_says_what_is_missing() {
    let many = (0..1_001).map(|i| format!("c{i}")).collect::<Vec<_>>().join(",");
    let more = (0..50_000).map(|i| format!("c{i}")).collect::<Vec<_>>().join(",");
    for (list, says) in [
        ("", "empty"),
        (" \n\n", "empty"),
        ("\u{feff}", "empty"),
        ("nome,preço\nAna,1", "no column cliente and no column valor"),
        ("cliente\nAna", "no column valor"),
        ("Ana,12.50\nBia,1", "it has: Ana, 12.50"),
        ("ref\tcliente\tvalor\n", "with , or ;"),
        ("cliente,valor,CLIENTE\n", "'CLIENTE' twice"),
        ("cliente,valor,cor,cor\n", "'cor' twice"),
        ("\"cliente,valor\nAna,1\n", "never closed"),
        ("cliente,valor,5\" x\nAna,1\n\"Bia\",2\n", "never closed"),
        (many.as_str(), "1000 columns"),
        (more.as_str(), "64 KiB"),
    ] {
        let ListError::Broken(text) = fails(Csv, false, list) else { panic!("{says}") };
        assert!(text.contains(says) && text.len() < 1_000, "{says}: {text}");
    }
    let latin = fails(Csv, false, b"cliente,valor,observa\xe7\xf5es\nAna,1,x");
    assert!(latin.to_string().contains("Latin-1"), "{latin}");
}

#[test]
fn a_list_may_have_no_record() {
    for (format, list) in [(Csv, "cliente,valor"), (Csv, "valor;cliente\r\n\r\n"), (Ndjson, "")] {
        let whole = read(format, list);
        assert_eq!((whole.error, whole.orders.len()), (None, 0), "{list}");
        assert!(whole.chain.is_some() && whole.bytes == list.len() as u64);
    }
    assert_eq!(read(Ndjson, "\u{feff}\n").error, None);
}

#[test]
fn gzip_may_have_several_members_and_no_mistake() {
    let line = "{\"cliente\":\"Ana\",\"valor\":1}\n";
    let (plain, one) = (line.repeat(3), packed(line.as_bytes()));
    let two = [one.as_slice(), &packed((line.repeat(2)).as_bytes())].concat();
    for size in [1, 2, 7, two.len()] {
        assert_eq!(read_pieces(Ndjson, true, two.chunks(size)), read(Ndjson, &plain), "{size}");
    }
    assert!(fails(Ndjson, true, "").to_string().contains("ends too early"));
    assert!(fails(Ndjson, true, line).to_string().contains("said to be gzip"));
    for end in 0..two.len() {
        let cut = &two[..end];
        let whole = read_pieces(Ndjson, true, [cut]);
        assert_eq!(whole.error.is_none(), end == one.len(), "{end}");
        assert!(whole.orders.iter().all(Result::is_ok));
    }
    let mut wrong = two.clone();
    let checksum = wrong.len() - 8;
    wrong[checksum] ^= 1;
    assert!(fails(Ndjson, true, &wrong).to_string().contains("checksum"));
    assert!(matches!(fails(Ndjson, true, [&two, &b"xxxx"[..]].concat()), ListError::Broken(_)));
}

#[test]
fn the_content_type_names_the_format() {
    for (text, format) in [
        ("application/x-ndjson", Ndjson),
        ("Application/JSONL; charset=\"UTF-8\"", Ndjson),
        ("text/csv", Csv),
        ("text/csv ; header=present;charset = utf8", Csv),
    ] {
        assert_eq!(ListFormat::from_content_type(text), Ok(format), "{text}");
    }
    for text in ["", "application/json", "text/csv; charset=iso-8859-1", "multipart/form-data"] {
        let error = ListFormat::from_content_type(text).unwrap_err();
        assert!(matches!(error, ListError::NotAList(_)), "{text}");
    }
}
