//! The command line `pedidos`: starts runs, follows them, operates them and checks them.
//!
//! - [`args`]: the arguments. [`commands`]: what each command does. Read these first.
//! - [`client`]: the HTTP API; [`address`] and [`credentials`]: its URL, and the key for it.
//! - [`failure`]: what can go wrong, and the exit codes. [`interrupt`]: signals.
//! - [`list`], [`upload`]: a list of orders, and how it is sent until it is whole. [`whole_lines`]: the
//!   orders that come back.
//! - [`progress`], [`upload_view`], [`bar`], [`table`], [`run_table`], [`import_table`], [`job_table`],
//!   [`holds`], [`figure`]: how things are shown. [`output`], [`copy`]: where all of it is written.
//! - [`sse`], [`prometheus`]: formats of the API that are not JSON.

mod address;
mod args;
mod bar;
mod client;
mod commands;
mod copy;
mod credentials;
mod failure;
mod figure;
mod holds;
mod import_table;
mod interrupt;
mod job_table;
mod list;
mod output;
mod progress;
mod prometheus;
mod run_table;
#[cfg(test)]
mod samples;
mod sse;
mod table;
mod upload;
mod upload_view;
mod whole_lines;
mod worker;

use std::{io, process::ExitCode};

use crate::{args::Cli, failure::Failure};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::read();
    match commands::run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn report(failure: &Failure) {
    match failure {
        // The reader of a pipe that has enough is no error.
        Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        _ if output::is_json() => output::problem(failure.problem()),
        Failure::Interrupted(what) => output::note_below(what),
        _ => output::note(&format!("error: {failure}")),
    }
}
