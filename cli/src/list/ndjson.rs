//! Renames the fields of NDJSON, line by line.
//!
//! A value keeps its text: `12.50` stays `12.50`. A line that is no JSON object passes as it is, so
//! that the API rejects it for what it is.

use std::{borrow::Cow, fmt, mem};

use pedidos_core::list::LINE_LIMIT;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::mapping::Mapping;

const BOM: &[u8] = b"\xef\xbb\xbf";
/// Room for a byte order mark and a line end.
const AROUND: usize = 5;

#[derive(Debug)]
pub struct Lines<'m> {
    mapping: &'m Mapping,
    /// The start of the line that is being read.
    line: Vec<u8>,
    /// The line is longer than the API takes, and passes as it is.
    is_long: bool,
    is_first: bool,
}

impl<'m> Lines<'m> {
    pub fn new(mapping: &'m Mapping) -> Self {
        Self { mapping, line: Vec::new(), is_long: false, is_first: true }
    }

    /// Takes a piece of the list, and adds to `out` what can be sent.
    pub fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let is_whole = part.ends_with(b"\n");
            if self.is_long {
                out.extend_from_slice(part);
                self.is_long = !is_whole;
                continue;
            }
            self.line.extend_from_slice(part);
            if is_whole {
                self.finish(out);
            } else if self.line.len() > LINE_LIMIT + AROUND {
                out.append(&mut self.line);
                (self.is_long, self.is_first) = (true, false);
            }
        }
    }

    /// Adds the last line, which may have no line end.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let line = mem::take(&mut self.line);
        let is_first = mem::replace(&mut self.is_first, false);
        let text = if is_first { line.strip_prefix(BOM).unwrap_or(&line) } else { &line };
        match renamed(text, self.mapping) {
            Some(renamed) => {
                out.extend_from_slice(renamed.as_bytes());
                if line.ends_with(b"\n") {
                    out.push(b'\n');
                }
            }
            None => out.extend_from_slice(&line),
        }
        // Its memory serves the next line.
        self.line = line;
        self.line.clear();
    }
}

/// None: the line has none of the fields, or is longer than the API takes.
fn renamed(line: &[u8], mapping: &Mapping) -> Option<String> {
    if line.trim_ascii_end().len() > LINE_LIMIT {
        return None;
    }
    let text = std::str::from_utf8(line).ok()?;
    let Members(mut members) = serde_json::from_str(text).ok()?;
    let mut moved = Vec::new();
    for rename in mapping.renames() {
        let values = take(&mut members, &rename.source);
        moved.extend(values.into_iter().map(|value| (rename.target.into(), value.into())));
    }
    if moved.is_empty() {
        return None;
    }
    members.append(&mut moved);
    Some(written(&members))
}

/// Its name and its value, as JSON text.
type Member<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Takes the values at this path. More than one if a name is given twice: the API says so then.
fn take(members: &mut Vec<Member<'_>>, path: &str) -> Vec<String> {
    let own = members.extract_if(.., |(name, _)| name == path);
    let mut found: Vec<_> = own.map(|(_, value)| value.into_owned()).collect();
    if !found.is_empty() {
        return found;
    }
    members.retain_mut(|(name, value)| {
        let Some(rest) = path.strip_prefix(name.as_ref()).and_then(|rest| rest.strip_prefix('.'))
        else {
            return true;
        };
        let Ok(Members(mut inner)) = serde_json::from_str(value) else { return true };
        let mut values = take(&mut inner, rest);
        if values.is_empty() {
            return true;
        }
        found.append(&mut values);
        let (is_left, text) = (!inner.is_empty(), written(&inner));
        drop(inner);
        *value = Cow::Owned(text);
        is_left
    });
    found
}

fn written(members: &[Member<'_>]) -> String {
    let mut text = String::from("{");
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&serde_json::Value::from(name.as_ref()).to_string());
        text.push(':');
        text.push_str(value);
    }
    text.push('}');
    text
}

/// The members of an object, in their order, those of the same name too.
struct Members<'a>(Vec<Member<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Self(Vec::new()))
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Members<'a> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            self.0.push((Cow::Owned(name), Cow::Borrowed(value.get())));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mapping(text: &str) -> Mapping {
        Mapping::new(text.split(',').map(|one| one.parse().unwrap()).collect()).unwrap()
    }

    fn mapped(map: &str, list: &[u8], piece: usize) -> Vec<u8> {
        let mapping = mapping(map);
        let (mut lines, mut out) = (Lines::new(&mapping), Vec::new());
        list.chunks(piece).for_each(|piece| lines.feed(piece, &mut out));
        lines.finish(&mut out);
        out
    }

    fn line(map: &str, line: &str) -> String {
        String::from_utf8(mapped(map, line.as_bytes(), usize::MAX)).unwrap()
    }

    #[test]
    fn fields_are_renamed_and_the_others_stay_as_they_are() {
        let map = "cliente=customer.name,valor=total";
        let text = r#"{ "total": 12.50, "customer": {"name":"Ana","age": 7}, "note":"\u00e9" }"#;
        let expected = r#"{"customer":{"age":7},"note":"\u00e9","cliente":"Ana","valor":12.50}"#;
        assert_eq!(line(map, text).replace("\"age\": 7", "\"age\":7"), expected);
        // An object of which nothing is left goes with its last member.
        assert_eq!(line(map, r#"{"customer":{"name":"Ana"}}"#), r#"{"cliente":"Ana"}"#);
    }

    #[test]
    fn numbers_keep_their_digits() {
        let text = line("valor=v", r#"{"v":1e400,"n":123456789012345678901234567890}"#);
        assert_eq!(text, r#"{"n":123456789012345678901234567890,"valor":1e400}"#);
    }

    #[test]
    fn a_name_with_a_dot_wins_over_a_path() {
        let text = r#"{"a":{"b":1},"a.b":2}"#;
        assert_eq!(line("valor=a.b", text), r#"{"a":{"b":1},"valor":2}"#);
        assert_eq!(line("valor=a.b.c", r#"{"a.b":{"c":3}}"#), r#"{"valor":3}"#);
    }

    #[test]
    fn what_lies_in_an_object_is_taken_before_the_object() {
        let text = r#"{"c":{"name":"Ana","x":1}}"#;
        assert_eq!(line("dados=c,cliente=c.name", text), r#"{"cliente":"Ana","dados":{"x":1}}"#);
        assert_eq!(line("ref=id,id=ref", r#"{"ref":1,"id":2}"#), r#"{"ref":2,"id":1}"#);
    }

    #[test]
    fn a_field_that_is_there_twice_is_left_to_the_api_to_reject() {
        assert_eq!(line("valor=v", r#"{"v":1,"v":2}"#), r#"{"valor":1,"valor":2}"#);
        assert_eq!(line("valor=v", r#"{"valor":1,"v":2}"#), r#"{"valor":1,"valor":2}"#);
    }

    #[test]
    fn a_line_that_is_no_object_or_lacks_the_field_passes_as_it_is() {
        for text in ["{\"v\":1", "[1]", "\"v\"", "{\"w\": 1 }\r", "", "  ", "{\"v\":{\"x\":1}}"] {
            assert_eq!(line("valor=v.y", text), text);
        }
        assert_eq!(mapped("valor=v", b"{\"v\":\"\xe9\"}", 3), b"{\"v\":\"\xe9\"}");
    }

    #[test]
    fn how_the_list_is_cut_changes_nothing() {
        let long = format!("{{\"v\":1,\"x\":\"{}\"}}", "x".repeat(LINE_LIMIT));
        let list = format!("\u{feff}{{\"v\":1}}\r\n\n{long}\n{{\"v\":2}}\nno\n{{\"v\":3}}");
        let expected = format!("{{\"valor\":1}}\n\n{long}\n{{\"valor\":2}}\nno\n{{\"valor\":3}}");
        for piece in [1, 7, 1_000, 65_536, usize::MAX] {
            let out = mapped("valor=v", list.as_bytes(), piece);
            // Long lines pass through: compared first, so that a failure does not print them.
            assert_eq!(out.len(), expected.len(), "{piece}");
            assert!(out == expected.as_bytes(), "{piece}");
        }
    }
}
