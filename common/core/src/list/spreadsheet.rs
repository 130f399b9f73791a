//! Cells that a spreadsheet would run as a formula.
//!
//! An export puts one `'` before them, and a list takes one off. Cells that begin with `'` before
//! such a character get one more, so that every cell comes back as it was.

use std::borrow::Cow;

/// Would a spreadsheet run the cell, but for the `'` that it begins with?
fn is_run(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// The cell as a CSV file has it.
#[must_use]
pub fn guard(cell: &str) -> Cow<'_, str> {
    if is_run(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// The cell as it was before [`guard`].
#[must_use]
pub fn unguard(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_run(rest)).unwrap_or(cell)
}
