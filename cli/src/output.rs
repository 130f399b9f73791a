//! Standard output and standard error. `println!` panics when the reader of a pipe has gone.
//! All that is printed passes here, so that no text of a server can steer the terminal
//! ([`pedidos_core::text`]).

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write},
};

use pedidos_core::text::{is_hidden, printable};

use crate::failure::Result;

/// Prints a line, or several.
pub fn line(text: &str) -> Result<()> {
    write(&printable(text))
}

/// Prints JSON. Characters that are not visible are escaped, which keeps its meaning.
pub fn json(text: &str) -> Result<()> {
    write(&escaped(text))
}

fn write(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Copies what an API sends to standard output, piece by piece: to a file as it is, to a terminal
/// line by line, without what would steer it.
#[derive(Debug)]
pub struct Copy {
    is_terminal: bool,
    /// The start of a line, if this is a terminal.
    line: Vec<u8>,
}

impl Copy {
    pub fn new() -> Self {
        Self { is_terminal: io::stdout().is_terminal(), line: Vec::new() }
    }

    pub fn add(&mut self, piece: &[u8]) -> Result<()> {
        if !self.is_terminal {
            io::stdout().lock().write_all(piece)?;
            return Ok(());
        }
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.end_line()?;
            }
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<()> {
        if !self.line.is_empty() {
            self.end_line()?;
        }
        io::stdout().lock().flush()?;
        Ok(())
    }

    fn end_line(&mut self) -> Result<()> {
        let text = String::from_utf8_lossy(&self.line);
        line(text.trim_end_matches(['\r', '\n']))?;
        self.line.clear();
        Ok(())
    }
}

/// Prints a line on standard error. A reader that has gone changes nothing.
pub fn note(text: &str) {
    let _unread = writeln!(io::stderr(), "{}", printable(text));
}

/// The same, below what stands on a terminal: a bar, or the `^C` that was typed.
pub fn note_below(text: &str) {
    if io::stderr().is_terminal() {
        let _unread = writeln!(io::stderr());
    }
    if !text.is_empty() {
        note(text);
    }
}

/// Prints a question on standard error; the answer may follow on the same line.
pub fn ask(text: &str) {
    let _unread = write!(io::stderr(), "{}", printable(text));
}

fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _written = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// Are standard output and standard error terminals?
pub fn is_watched() -> bool {
    io::stdout().is_terminal() && io::stderr().is_terminal()
}

/// Are standard input and standard error terminals, so that a person can be asked?
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn json_keeps_its_meaning() {
        for c in ['\u{9b}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{e0041}'] {
            let json = escaped(&format!("{{\"a\": \"x{c}y\"}}"));
            assert!(json.is_ascii(), "{json}");
            let read: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(read["a"], format!("x{c}y"));
        }
    }
}
