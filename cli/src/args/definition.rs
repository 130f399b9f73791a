//! The definition of the command line: what is derived, and the exit codes of each command.

use std::{env, ffi::OsString, process};

use clap::{Command, CommandFactory, FromArgMatches};
use pedidos_core::redact::redacted;

use super::{
    Cli,
    exit_codes::{self, ExitCodes},
};
use crate::{failure::Failure, output};

impl Cli {
    /// Reads the arguments, or ends the process as clap does, but without the passwords of
    /// addresses in what it says.
    pub fn read() -> Self {
        let cli = Self::parsed(env::args_os()).unwrap_or_else(|error| refuse(&error));
        if cli.json {
            output::use_json();
        }
        cli
    }

    pub fn parsed<I, A>(arguments: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = A>,
        A: Into<OsString> + Clone,
    {
        Self::from_arg_matches(&Self::definition().try_get_matches_from(arguments)?)
    }

    /// Every command, with its exit codes in `--help`.
    pub fn definition() -> Command {
        with_exit_codes(Self::command(), exit_codes::GENERAL)
    }
}

fn with_exit_codes(command: Command, outer: ExitCodes) -> Command {
    let codes = exit_codes::of(command.get_name(), outer);
    command
        .after_help(exit_codes::text(codes))
        .mut_subcommands(|command| with_exit_codes(command, codes))
}

fn refuse(error: &clap::Error) -> ! {
    let text = error.render().to_string();
    if !error.use_stderr() {
        // Help that nobody reads is no failure.
        let _unread = error.print();
    } else if env::args_os().any(|argument| argument == "--json") {
        let text = redacted(text.trim_start_matches("error: ").trim_end());
        output::problem(Failure::Usage(text.into_owned()).problem());
    } else {
        output::note(redacted(&text).trim_end());
    }
    process::exit(error.exit_code())
}
