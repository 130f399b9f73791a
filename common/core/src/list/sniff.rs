//! What begins like another kind of file is refused by name, before a line of it is read: else
//! each of its lines would be a reject, and none would say what is wrong.

use super::{error::ListError, format::ListFormat};

/// What the first bytes say.
pub enum Sniff {
    /// Too few bytes to know.
    More,
    /// A list begins after this many bytes.
    At(usize),
}

const BOM: &[u8] = b"\xef\xbb\xbf";
/// White space that may come first before the reader stops looking for the first character.
const SPACE_LIMIT: usize = 1_024;
const UTF_16: &str = "This is UTF-16: save the list as UTF-8";
/// How files of other kinds begin, and no list does.
const OTHERS: [(&[u8], &str); 10] = [
    (b"\xff\xfe", UTF_16),
    (b"\xfe\xff", UTF_16),
    (b"PK\x03\x04", "This is a ZIP archive or an .xlsx workbook: save the sheet as CSV in UTF-8"),
    (b"PK\x05\x06", "This is an empty ZIP archive: send NDJSON or CSV"),
    (
        b"\x1f\x8b",
        "This is gzip: send the list with Content-Encoding: gzip, compressed once, or unpack it",
    ),
    (b"\x28\xb5\x2f\xfd", "This is Zstandard: compress the list with gzip, or unpack it"),
    (b"\xfd7zXZ\0", "This is xz: compress the list with gzip, or unpack it"),
    (b"BZh91AY", "This is bzip2: compress the list with gzip, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "This is an old Excel workbook (.xls): save the sheet as CSV in UTF-8"),
    (b"%PDF-", "This is a PDF: send NDJSON or CSV"),
];

/// Looks at the first bytes of the list. `over`: no more will come.
pub fn sniff(format: ListFormat, head: &[u8], over: bool) -> Result<Sniff, ListError> {
    let no = |text: &str| Err(ListError::NotAList(text.to_owned()));
    for (start, text) in OTHERS {
        if head.starts_with(start) {
            return no(text);
        }
        if !over && start.starts_with(head) {
            return Ok(Sniff::More);
        }
    }
    if matches!(head, [0, other, ..] | [other, 0, ..] if *other != 0) {
        return no(UTF_16);
    }
    if !over && BOM.starts_with(head) && head != BOM {
        return Ok(Sniff::More);
    }
    let text = head.strip_prefix(BOM).unwrap_or(head);
    match (text.trim_ascii_start().first(), format) {
        (Some(b'<'), _) => no("This is HTML or XML: send NDJSON or CSV"),
        (Some(b'['), ListFormat::Ndjson) => {
            no("This is a JSON array: send each order as a JSON object on a line of its own, \
                without [ and ] and without a comma after it")
        }
        (Some(b'[' | b'{'), ListFormat::Csv) => {
            no("This is JSON: send it as application/x-ndjson, a JSON object on each line")
        }
        // One byte alone may be the first of UTF-16.
        (Some(_), _) if head.len() == 1 && !over => Ok(Sniff::More),
        (None, _) if head.len() < SPACE_LIMIT && !over => Ok(Sniff::More),
        _ => Ok(Sniff::At(head.len() - text.len())),
    }
}
