//! What a check comes to.

/// Nothing, or why it failed.
pub type Checked = Result<(), String>;

/// A condition, and what to say where it does not hold.
pub fn holds(condition: bool, otherwise: impl FnOnce() -> String) -> Checked {
    if condition { Ok(()) } else { Err(otherwise()) }
}
