//! `pedidos audit-log`: who changed what, or was refused.

use serde_json::Value;

use crate::{
    args::AuditLog,
    client::{Client, Result},
    output,
};

/// The most that one page may hold.
const PAGE: u32 = 200;

/// Prints the newest lines, page by page.
pub async fn run(client: &Client, args: &AuditLog) -> Result<()> {
    let mut left = args.limit;
    let mut cursor = None;
    while left > 0 {
        let page = client.audit_lines(left.min(PAGE), cursor.as_deref()).await?;
        for line in &page.lines {
            output::line(&if args.json { line.to_string() } else { text(line) })?;
        }
        left = left.saturating_sub(page.lines.len() as u32);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(())
}

/// When, what became of it, who, from where, what.
fn text(line: &Value) -> String {
    let of = |field: &str| match &line[field] {
        Value::String(text) => printable(text),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let parameters = line["parameters"].as_array().into_iter().flatten().map(|parameter| {
        let of = |field: &str| printable(parameter[field].as_str().unwrap_or_default());
        format!(" {}={}", of("name"), of("value"))
    });
    let parameters: String = parameters.collect();
    let why = line["detail"].as_str().map(|why| format!(" · {}", printable(why)));
    format!(
        "{} {:7} {:>3} {} ({} by {}) from {}: {}{parameters}{}",
        of("at"),
        of("outcome"),
        of("status"),
        of("name"),
        of("role"),
        of("via"),
        of("address"),
        of("operation"),
        why.unwrap_or_default()
    )
}

/// What a stranger sent must not steer this terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_who_what_and_what_became_of_it() {
        let line = serde_json::json!({
            "at": "2026-11-24T20:14:40.190Z", "outcome": "refused", "status": 403,
            "name": "painel", "role": "viewer", "via": "key", "address": "10.1.2.3",
            "operation": "cleanQueue", "parameters": [{ "name": "state", "value": "\u{1b}[2J" }],
            "detail": "painel has the role viewer"
        });
        assert_eq!(
            text(&line),
            "2026-11-24T20:14:40.190Z refused 403 painel (viewer by key) from 10.1.2.3: \
             cleanQueue state=\u{fffd}[2J · painel has the role viewer"
        );
        let begun = serde_json::json!({ "outcome": "begun", "status": null, "role": null });
        assert!(text(&begun).contains("begun     - "), "{}", text(&begun));
    }
}
