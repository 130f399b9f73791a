//! Imports as a person reads them: the summary of one, and a table of several.

use std::fmt::Write as _;

use comfy_table::Table;
use pedidos_api_types::imports::{Import, ImportState, Reject};
use pedidos_core::text::{count, one_line};

use crate::{
    figure::{NONE, minute},
    table::{self, right_aligned, shortened},
};

/// A summary shows so many rejects.
const SHOWN: usize = 10;
/// A name has room for so many characters.
const NAME: usize = 24;

pub fn summary(import: &Import) -> String {
    let mut text = match &import.import_id {
        Some(id) => format!("import {id} · {}", state(import.state)),
        None => "dry run: nothing is stored".to_owned(),
    };
    if let Some(name) = &import.name {
        let _ = write!(text, " · {}", one_line(name));
    }
    let _ = write!(
        text,
        "\n{} lines: {} accepted (VIP {}, NORMAL {}), {} rejected",
        count(import.lines),
        count(import.accepted),
        count(import.vip),
        count(import.normal),
        count(import.rejected)
    );
    if import.rejected > 0 {
        let _ = write!(text, "\n{}", rejects(&import.first_rejects));
        let more = import.rejected.saturating_sub(import.first_rejects.len().min(SHOWN) as u64);
        if more > 0 {
            let _ = write!(text, "\nand {} more", count(more));
        }
        if let Some(id) = &import.import_id {
            let _ = write!(text, "\nall of them: pedidos rejects {id} > bad.ndjson");
        }
    }
    if import.dry_run {
        text.push_str("\na ref that is given twice far apart is noticed only by an import");
    }
    text
}

fn rejects(first: &[Reject]) -> Table {
    let mut table = table::of(["line", "field", "message"]);
    for reject in first.iter().take(SHOWN) {
        let field = reject.field.as_deref().unwrap_or(NONE);
        table.add_row([count(reject.line), one_line(field), one_line(&reject.message)]);
    }
    right_aligned(table, 0..1)
}

pub fn list(imports: &[Import]) -> String {
    if imports.is_empty() {
        return "no imports".to_owned();
    }
    let mut table =
        table::blocks(["import\nname\nstate, created (UTC)", "lines\naccepted\nrejected"]);
    for import in imports {
        let (lines, accepted) = (count(import.lines), count(import.accepted));
        table.add_row([
            format!(
                "{}\n{}\n{}, {}",
                one_line(import.import_id.as_deref().unwrap_or(NONE)),
                import.name.as_deref().map_or(NONE.to_owned(), |name| shortened(name, NAME)),
                state(import.state),
                one_line(&minute(&import.created_at))
            ),
            format!("{lines}\n{accepted}\n{}", count(import.rejected)),
        ]);
    }
    right_aligned(table, 1..2).to_string()
}

pub const fn state(state: ImportState) -> &'static str {
    match state {
        ImportState::Open => "open",
        ImportState::Sealed => "sealed",
        ImportState::Started => "started",
        ImportState::Discarded => "discarded",
        ImportState::Deleted => "deleted",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn import(rejected: u64) -> Import {
        let rejects: Vec<_> = (0..rejected.min(20))
            .map(|index| {
                json!({ "line": 1_000 + index, "field": "valor", "code": "negative",
                    "message": "valor is -1: it must be 0 or more, without a sign \u{1b}[2J \
                                and so on, longer than a line of a terminal",
                    "original": "{}" })
            })
            .collect();
        serde_json::from_value(json!({
            "importId": "01990000-0000-7000-8000-000000000001", "name": "march", "state": "open",
            "lines": 1_000 + rejected, "accepted": 1_000, "rejected": rejected, "vip": 250,
            "normal": 750, "bytes": 1, "firstRejects": rejects,
            "createdAt": "2026-03-01T12:00:20.456Z", "sealedAt": null, "expiresAt": null,
            "runId": null, "added": 1
        }))
        .unwrap()
    }

    #[test]
    fn a_whole_list_is_summed_up_in_two_lines() {
        assert_eq!(
            summary(&import(0)),
            "import 01990000-0000-7000-8000-000000000001 · open · march\n\
             1,000 lines: 1,000 accepted (VIP 250, NORMAL 750), 0 rejected"
        );
    }

    #[test]
    fn the_first_rejects_are_shown_in_60_columns() {
        let text = summary(&import(12_000));
        assert!(text.contains("and 11,990 more") && text.contains("1,009"), "{text}");
        assert!(!text.contains("1,010 ") && !text.contains('\u{1b}'), "{text}");
        assert!(text.contains("pedidos rejects 01990000-"), "{text}");
        for line in text.lines().filter(|line| line.contains('┆')) {
            assert!(line.chars().count() <= 60, "{line}");
        }
    }

    #[test]
    fn a_dry_run_has_no_id_and_says_what_it_cannot_see() {
        let mut import = import(1);
        (import.import_id, import.dry_run) = (None, true);
        let text = summary(&import);
        assert!(text.starts_with("dry run: nothing is stored"), "{text}");
        assert!(text.contains("a ref that is given twice") && !text.contains("pedidos rejects"));
    }

    #[test]
    fn a_list_has_a_row_an_import() {
        let text = list(&[import(3)]);
        assert!(text.contains("01990000-0000-7000-8000-000000000001"), "{text}");
        assert!(text.contains("open, 2026-03-01 12:00") && text.contains("1,003"), "{text}");
        let mut long = import(3);
        long.name = Some("n".repeat(200));
        (long.lines, long.accepted) = (1_000_000_000, 1_000_000_000);
        for line in list(&[long]).lines() {
            assert!(line.chars().count() <= 60, "{line}");
        }
        assert_eq!(list(&[]), "no imports");
    }
}
