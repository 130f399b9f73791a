//! Standard output and standard error. `println!` panics when the reader of a pipe has gone.
//! All that is printed passes here, so that no text of a server can steer the terminal
//! ([`pedidos_core::text`]).
//!
//! With `--json` there is one JSON document on standard output, and nothing on standard error but the
//! problem that ends the command: notes are kept for it.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    io::{self, IsTerminal, Write},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use pedidos_core::text::{is_hidden, printable};
use serde_json::{Map, Value};

use crate::failure::Result;

/// Notes that are kept for a problem: the last ones.
const NOTES: usize = 20;

static IS_JSON: AtomicBool = AtomicBool::new(false);
static KEPT: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// From now on, output is for a program: `--json` was given.
pub fn use_json() {
    IS_JSON.store(true, Relaxed);
}

pub fn is_json() -> bool {
    IS_JSON.load(Relaxed)
}

/// Prints a line, or several.
pub fn line(text: &str) -> Result<()> {
    write(&printable(text))
}

/// Prints JSON. Characters that are not visible are escaped, which keeps its meaning.
pub fn json(text: &str) -> Result<()> {
    write(&escaped(text))
}

/// Prints a part of a JSON document that is printed as it comes.
pub fn json_part(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(escaped(text).as_bytes())?;
    Ok(())
}

fn write(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Prints a line on standard error. A reader that has gone changes nothing.
pub fn note(text: &str) {
    if is_json() {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == NOTES {
            kept.pop_front();
        }
        kept.push_back(text.to_owned());
    } else {
        let _unread = writeln!(io::stderr(), "{}", printable(text));
    }
}

/// The same, below what stands on a terminal: a bar, or the `^C` that was typed.
pub fn note_below(text: &str) {
    if !is_json() && io::stderr().is_terminal() {
        let _unread = writeln!(io::stderr());
    }
    if !text.is_empty() {
        note(text);
    }
}

/// Prints the problem that ends the command on standard error, with the notes before it.
pub fn problem(mut problem: Map<String, Value>) {
    let notes: Vec<Value> =
        KEPT.lock().unwrap_or_else(PoisonError::into_inner).drain(..).map(Value::String).collect();
    if !notes.is_empty() {
        problem.insert("notes".to_owned(), Value::Array(notes));
    }
    let _unread = writeln!(io::stderr(), "{}", escaped(&Value::Object(problem).to_string()));
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

/// Are standard output and standard error terminals, and for a person?
pub fn is_watched() -> bool {
    !is_json() && io::stdout().is_terminal() && io::stderr().is_terminal()
}

/// Are standard input and standard error terminals, so that a person can be asked?
pub fn can_ask() -> bool {
    !is_json() && io::stdin().is_terminal() && io::stderr().is_terminal()
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
            let read: Value = serde_json::from_str(&json).unwrap();
            assert_eq!(read["a"], format!("x{c}y"));
        }
    }
}
