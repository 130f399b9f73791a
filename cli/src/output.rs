//! Standard output. `println!` panics when the reader of a pipe has gone.

use std::io::{self, IsTerminal, Write};

use crate::failure::Failure;

/// Prints one line.
pub fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Does a person watch both output and progress?
pub fn is_watched() -> bool {
    io::stdout().is_terminal() && io::stderr().is_terminal()
}

/// Can a person be asked?
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
