//! Renames columns in the header line of CSV. All other lines pass as they are.

use pedidos_core::list::{LINE_LIMIT, spreadsheet::unguard};

use super::mapping::Mapping;

#[derive(Debug)]
pub struct Table<'m> {
    mapping: &'m Mapping,
    /// The header line, as far as it is read.
    head: Vec<u8>,
    quoted: bool,
    is_over: bool,
}

impl<'m> Table<'m> {
    pub fn new(mapping: &'m Mapping) -> Self {
        Self { mapping, head: Vec::new(), quoted: false, is_over: false }
    }

    /// Is the header read?
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes a piece of the list, and adds to `out` what can be sent. Fails if the header lacks a
    /// column of the mapping.
    pub fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        let mut rest = piece;
        while let (false, Some((byte, after))) = (self.is_over, rest.split_first()) {
            rest = after;
            self.quoted ^= *byte == b'"';
            self.head.push(*byte);
            if matches!(byte, b'\r' | b'\n') && !self.quoted {
                self.complete(out)?;
            } else if self.head.len() > LINE_LIMIT {
                // The API refuses it, and says why.
                self.is_over = true;
                out.append(&mut self.head);
            }
        }
        out.extend_from_slice(rest);
        Ok(())
    }

    /// The list is over: the header may have no line end.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        if self.is_over { Ok(()) } else { self.complete(out) }
    }

    fn complete(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        // Blank lines may come before the header.
        let text = self.head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&self.head);
        let is_blank = text.trim_ascii().is_empty();
        match std::str::from_utf8(&self.head) {
            Ok(line) if !is_blank => out.extend_from_slice(renamed(line, self.mapping)?.as_bytes()),
            _ => out.extend_from_slice(&self.head),
        }
        self.head.clear();
        self.is_over = !is_blank;
        Ok(())
    }
}

fn renamed(line: &str, mapping: &Mapping) -> Result<String, String> {
    let (bom, line) = line.strip_prefix('\u{feff}').map_or(("", line), |rest| ("\u{feff}", rest));
    let names = line.trim_end_matches(['\r', '\n']);
    let end = line.get(names.len()..).unwrap_or_default();
    // As the API finds it.
    let outside = |delimiter| split(names, delimiter).len();
    let delimiter = if outside(';') > outside(',') { ';' } else { ',' };
    let mut cells: Vec<String> = split(names, delimiter).into_iter().map(str::to_owned).collect();
    let given: Vec<_> = cells.iter().map(|cell| name(cell)).collect();
    for rename in mapping.renames() {
        let is_it = |name: &String| name.to_lowercase() == rename.source.to_lowercase();
        // The exact name wins over one of another case.
        let exact = given.iter().position(|name| *name == rename.source);
        let found = exact.or_else(|| given.iter().position(is_it));
        let Some(cell) = found.and_then(|index| cells.get_mut(index)) else {
            let (source, given) = (&rename.source, given.join(", "));
            return Err(format!(
                "--map takes {} from {source}, and the list has no column {source}: it has {given}",
                rename.target
            ));
        };
        rename.target.clone_into(cell);
    }
    Ok(format!("{bom}{}{end}", cells.join(&delimiter.to_string())))
}

fn split(line: &str, delimiter: char) -> Vec<&str> {
    let mut quoted = false;
    line.split(|c| {
        quoted ^= c == '"';
        c == delimiter && !quoted
    })
    .collect()
}

/// The name in a cell of the header.
fn name(cell: &str) -> String {
    let quoted = cell.strip_prefix('"').map(|rest| rest.strip_suffix('"').unwrap_or(rest));
    let text = quoted.map_or_else(|| cell.to_owned(), |text| text.replace("\"\"", "\""));
    unguard(&text).trim().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mapping(text: &str) -> Mapping {
        Mapping::new(text.split(',').map(|one| one.parse().unwrap()).collect()).unwrap()
    }

    fn mapped(map: &str, list: &str, piece: usize) -> Result<String, String> {
        let mapping = mapping(map);
        let (mut table, mut out) = (Table::new(&mapping), Vec::new());
        for piece in list.as_bytes().chunks(piece) {
            table.feed(piece, &mut out)?;
        }
        table.finish(&mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn columns_are_renamed_in_the_header_alone() {
        let list = "\u{feff}\r\nName ;\"Total; R$\";SKU\r\nAna;1,50;Name\r\n";
        for piece in [1, 5, usize::MAX] {
            assert_eq!(
                mapped("cliente=name,valor=Total; R$", list, piece).unwrap(),
                "\u{feff}\r\ncliente;valor;SKU\r\nAna;1,50;Name\r\n"
            );
        }
        assert_eq!(mapped("cliente=a", "a,valor", 1).unwrap(), "cliente,valor");
        assert_eq!(mapped("ref=id,id=ref", "id,ref\n", 9).unwrap(), "ref,id\n");
        assert_eq!(mapped("ref=customer.id", "x,customer.id\n", 9).unwrap(), "x,ref\n");
    }

    #[test]
    fn a_column_that_is_missing_is_named_with_those_that_are_there() {
        let error = mapped("valor=price", "name,total\nAna,1\n", 4).unwrap_err();
        assert!(error.contains("no column price: it has name, total"), "{error}");
    }

    #[test]
    fn a_header_that_the_api_refuses_passes_as_it_is() {
        for list in ["", "\n\n", &"x".repeat(LINE_LIMIT + 10)] {
            assert_eq!(mapped("valor=v", list, 1_000).unwrap(), list);
        }
    }
}
