//! Writes a JSON document as YAML, in block style.

use serde_json::Value;

/// Words that some YAML reader takes for null, a boolean or a number.
const RESERVED: [&str; 13] =
    ["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", ".nan"];

/// The document, ending with a newline.
#[must_use]
pub fn to_string(document: &Value) -> String {
    let mut out = String::new();
    write(&mut out, document, 0, "");
    out.push('\n');
    out
}

/// Writes what follows a key or a dash; `lead` comes before its first entry.
fn write(out: &mut String, value: &Value, indent: usize, lead: &str) {
    let line = format!("\n{:indent$}", "");
    let mut lead = lead;
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                out.push_str(lead);
                out.push_str(&scalar(name));
                out.push(':');
                // A list stands as deep as its key.
                let indent = if value.is_array() { indent } else { indent + 2 };
                write(out, value, indent, &format!("\n{:indent$}", ""));
                lead = &line;
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                out.push_str(lead);
                out.push('-');
                write(out, item, indent + 2, " ");
                lead = &line;
            }
        }
        Value::String(text) if is_block(text) => {
            let body = text.trim_end_matches('\n');
            let keep = match text.len() - body.len() {
                0 => "-",
                1 => "",
                _ => "+",
            };
            out.push_str(" |");
            out.push_str(keep);
            for content in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                // No trailing spaces where a line is empty.
                out.push_str(if content.is_empty() { "\n" } else { &line });
                out.push_str(content);
            }
        }
        Value::String(text) => {
            out.push(' ');
            out.push_str(&scalar(text));
        }
        other => {
            out.push(' ');
            out.push_str(&other.to_string());
        }
    }
}

/// Several lines, the first of which shows how deep they are.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with(char::is_whitespace)
        && !text.contains(|c: char| c.is_control() && c != '\n')
}

/// Text on one line: as it is, or quoted if it could be taken for something else.
fn scalar(text: &str) -> String {
    if text.contains(char::is_control) {
        // A JSON string is one of YAML, too.
        Value::from(text).to_string()
    } else if is_plain(text) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

fn is_plain(text: &str) -> bool {
    let mark = text.starts_with(|c| "#,[]{}&*!|>'\"%@`".contains(c))
        || (text.starts_with(['-', '?', ':']) && text.chars().nth(1).is_none_or(|c| c == ' '))
        || text.starts_with("---")
        || text.starts_with("...");
    let inner = text.contains(": ") || text.ends_with(':') || text.contains(" #");
    let number =
        text.parse::<f64>().is_ok() || ["0x", "0o", "0b"].iter().any(|base| text.starts_with(base));
    let reserved = RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word));
    !(mark || inner || number || reserved || text.trim() != text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_nest_by_indentation() {
        let document = json!({
            "name": "a", "count": 2, "none": null, "empty": [], "fields": {},
            "list": ["x", { "a": 1, "b": [true] }, [1, 2]],
            "map": { "inner": { "deep": 1.5 } },
        });
        let expected = "name: a\ncount: 2\nnone: null\nempty: []\nfields: {}\n\
            list:\n- x\n- a: 1\n  b:\n  - true\n- - 1\n  - 2\n\
            map:\n  inner:\n    deep: 1.5\n";
        assert_eq!(to_string(&document), expected);
    }

    #[test]
    fn text_that_could_be_something_else_is_quoted() {
        let quoted = [
            "", " a", "a ", "a: b", "a:", "a #b", "#a", "- a", "-", "{a}", "[a]", "*a", "&a", "!a",
            "it: 'is'", "'a'", "\"a\"", "%a", "@a", "`a`", "200", "1e3", "-1.5", "0x1f", "007",
            "null", "True", "no", "~", "---",
        ];
        for text in quoted {
            assert_eq!(scalar(text), format!("'{}'", text.replace('\'', "''")));
        }
        for text in
            ["a", "a:b", "a#b", "-a", "$ref", "0.1.0", "it's", "a, b", "2026-01-01", "/a/{b}"]
        {
            assert_eq!(scalar(text), text);
        }
        assert_eq!(scalar("a\tb"), r#""a\tb""#);
    }

    #[test]
    fn several_lines_are_a_block() {
        let document =
            json!({ "text": "one\n\n  two", "one": "a\n", "two": "a\n\n", "odd": " a\nb" });
        let expected = "text: |-\n  one\n\n    two\none: |\n  a\ntwo: |+\n  a\n\nodd: \" a\\nb\"\n";
        assert_eq!(to_string(&document), expected);
    }
}
