//! `pedidos audit-log`: the audit trail.

use std::fmt::Write as _;

use pedidos_api_types::audit::{Line, OutcomeName};
use pedidos_core::text::one_line;

use super::pages;
use crate::{args::AuditLog, client::Client, failure::Result, figure::NONE, output};

pub async fn run(client: &Client, args: &AuditLog) -> Result<()> {
    let page = async |page| client.audit_trail(&page, &args.filter).await;
    pages::print("lines", &args.listed, page, |lines: Vec<Line>| {
        lines.iter().try_for_each(|line| output::line(&text(line)))
    })
    .await
}

/// The time, the outcome, who called, from where, and which operation. A caller chose most of
/// these texts: none of them may look like a line of its own.
fn text(line: &Line) -> String {
    let Line { at, name, via, address, operation, .. } = line;
    let outcome = match line.outcome {
        OutcomeName::Begun => "begun",
        OutcomeName::Done => "done",
        OutcomeName::Refused => "refused",
        OutcomeName::Failed => "failed",
    };
    let status = line.status.map_or_else(|| NONE.to_owned(), |status| status.to_string());
    let role = line.role.as_deref().unwrap_or(NONE);
    let mut text = format!(
        "{at} {outcome:7} {status:>3} {name} ({role} by {via}) from {address}: {operation}"
    );
    for parameter in &line.parameters {
        let _ = write!(text, " {}={}", parameter.name, parameter.value);
    }
    if let Some(why) = &line.detail {
        let _ = write!(text, " · {why}");
    }
    one_line(&text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn line(line: Value) -> Line {
        serde_json::from_value(line).unwrap()
    }

    #[test]
    fn a_line_says_when_who_what_and_what_became_of_it() {
        let refused = line(json!({
            "id": "1", "at": "2026-11-24T20:14:40.190Z", "call": "c", "outcome": "refused",
            "status": 403, "name": "painel", "role": "viewer", "via": "key",
            "address": "10.1.2.3", "operation": "cleanQueue", "method": "POST",
            "path": "/pedidos/queue/clean", "requestId": "r",
            "parameters": [{ "name": "state", "value": "\u{1b}[2J" }],
            "detail": "painel has the role viewer"
        }));
        assert_eq!(
            text(&refused),
            "2026-11-24T20:14:40.190Z refused 403 painel (viewer by key) from 10.1.2.3: \
             cleanQueue state=\u{fffd}[2J · painel has the role viewer"
        );
        let begun = line(json!({
            "id": "1", "at": "2026-11-24T20:14:40.190Z", "call": "c", "outcome": "begun",
            "status": null, "name": "painel", "role": null, "via": "nothing",
            "address": "10.1.2.3", "operation": "cleanQueue", "method": "POST",
            "path": "/pedidos/queue/clean", "requestId": "r", "parameters": [], "detail": null
        }));
        assert!(text(&begun).contains("begun     - "), "{}", text(&begun));
    }
}
