//! Metrics in the text format of Prometheus.

use serde_json::{Map, Value, json};

use crate::failure::{Failure, Result};

/// Each sample as an object: `{name, labels, value}`. JSON has no number for NaN and the infinities:
/// they stay text.
pub fn samples(text: &str) -> Result<Vec<Value>> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            sample(line).ok_or_else(|| {
                Failure::Failed(format!("cannot read the metric {line}; is it the API?"))
            })
        })
        .collect()
}

fn sample(line: &str) -> Option<Value> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Map::new(), rest),
    };
    // A time may follow.
    let text = rest.split_whitespace().next()?;
    let number: f64 = text.parse().ok()?;
    let value = if number.is_finite() { json!(number) } else { json!(text) };
    Some(json!({ "name": name, "labels": labels, "value": value }))
}

/// What stands before the closing brace, and what follows it.
fn labels(mut text: &str) -> Option<(Map<String, Value>, &str)> {
    let mut labels = Map::new();
    loop {
        text = text.trim_start_matches([',', ' ']);
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, rest) = text.split_once("=\"")?;
        let (value, rest) = quoted(rest)?;
        labels.insert(name.to_owned(), value.into());
        text = rest;
    }
}

/// The value before a closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_sample_is_an_object() {
        let text = "# HELP a b\n# TYPE a counter\na 5\n\
                    b{queue=\"q\",why=\"say \\\"no\\\"\\n}\",} 0.5 1700000000000\nc{} NaN\n\n";
        assert_eq!(
            Value::Array(samples(text).unwrap()),
            json!([
                { "name": "a", "labels": {}, "value": 5.0 },
                { "name": "b", "labels": { "queue": "q", "why": "say \"no\"\n}" }, "value": 0.5 },
                { "name": "c", "labels": {}, "value": "NaN" }
            ])
        );
    }

    #[test]
    fn another_servers_page_is_no_metrics() {
        for text in ["<html>", "a", "a{b=\"c} 1", "a{b} 1", "a five"] {
            assert_eq!(samples(text).unwrap_err().exit_code(), 1, "{text}");
        }
    }
}
