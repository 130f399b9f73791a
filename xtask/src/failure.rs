//! What ends a command, and the exit code that says so.

use std::{fmt, io};

/// Why a command ends before it has done what it should.
#[derive(Debug)]
pub struct Failure {
    /// Empty if whatever failed has printed the reason itself.
    pub message: String,
    /// The exit code.
    pub code: u8,
}

/// What most functions here return.
pub type Result<T = (), E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 1 }
    }

    /// Nothing more is to be said.
    pub(crate) const fn silent(code: u8) -> Self {
        Self { message: String::new(), code }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Ends with this message.
pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T> {
    Err(Failure::new(message))
}

/// Names what an error of the system was about.
pub(crate) trait Context<T> {
    fn context(self, what: impl fmt::Display) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Failure::new(format!("{what}: {error}")))
    }
}
