//! Copies what an API sends to standard output, piece by piece.

use std::io::{self, IsTerminal, Write};

use crate::{failure::Result, output};

#[derive(Debug)]
pub struct Copy {
    form: Form,
    /// The start of a line, if lines are printed one by one.
    line: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// To a file, as it comes.
    Raw,
    /// To a terminal, line by line, without what would steer it.
    Lines,
    /// Lines of JSON, as the items of an array.
    Array { is_empty: bool },
}

impl Copy {
    pub fn new() -> Self {
        let form = if output::is_json() {
            Form::Array { is_empty: true }
        } else if io::stdout().is_terminal() {
            Form::Lines
        } else {
            Form::Raw
        };
        Self { form, line: Vec::new() }
    }

    pub fn add(&mut self, piece: &[u8]) -> Result<()> {
        if self.form == Form::Raw {
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
        if let Form::Array { is_empty } = self.form {
            output::json(if is_empty { "[]" } else { "]" })?;
        }
        io::stdout().lock().flush()?;
        Ok(())
    }

    fn end_line(&mut self) -> Result<()> {
        let text = String::from_utf8_lossy(&self.line).into_owned();
        let text = text.trim_end_matches(['\r', '\n']);
        self.line.clear();
        match &mut self.form {
            Form::Array { .. } if text.is_empty() => Ok(()),
            Form::Array { is_empty } => {
                let separator = if std::mem::take(is_empty) { '[' } else { ',' };
                output::json_part(&format!("{separator}{text}"))
            }
            Form::Raw | Form::Lines => output::line(text),
        }
    }
}
