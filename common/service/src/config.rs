//! Reads settings from flags, the environment and `.env`, in this order, and checks them all
//! together: every mistake is reported by name.
//!
//! - `list`: every setting, with its default, its form and its help.
//! - `form`: what a value must look like; `rules`: what values must be together.
//! - `source`: where values come from, `dot_env` among them.
//! - `reader`: collects what is given and what is wrong with it.
//! - `values`: what is given, for the groups of settings that are made of it.

mod dot_env;
mod form;
mod list;
mod network;
mod reader;
pub(crate) mod rules;
mod source;
mod values;

use clap::{Arg, Command};
use pedidos_core::redact::redacted;

pub(crate) use self::{form::Form, reader::Reader, source::Layers};
pub use self::{
    form::base_path,
    list::{SETTINGS, Setting},
    network::IpNetwork,
    source::Source,
    values::Values,
};
use crate::output;

/// Adds a flag for every setting to a command.
#[must_use]
pub fn with_flags(command: Command) -> Command {
    command.args(SETTINGS.iter().map(|Setting { name, default, help, .. }| {
        let long = name.to_lowercase().replace('_', "-");
        let default = match *default {
            "" => String::new(),
            default => format!(", default: {default}"),
        };
        Arg::new(*name)
            .long(long)
            .value_name("VALUE")
            .help(format!("{help} [env: {name}{default}]"))
    }))
}

/// Prints what is wrong with the settings to standard error.
pub fn report(mistakes: &[String]) {
    let lines: Vec<_> = mistakes.iter().map(|mistake| format!("error: {mistake}")).collect();
    output::write_error(&lines.join("\n"));
}

/// Ends the process as clap would, for arguments that make no sense, and shows no password
/// that is in one of them.
pub fn refuse(error: &clap::Error) -> ! {
    if error.use_stderr() {
        output::write_error(redacted(&error.render().to_string()).trim_end());
    } else {
        let _nobody_reads = error.print();
    }
    std::process::exit(error.exit_code())
}
