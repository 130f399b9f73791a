//! `pedidos audit`: executes `pedidos-worker verify`.

use std::{ffi::OsString, os::unix::process::CommandExt};

use crate::{failure::Result, output, worker};

const JSON: &str = "--json";

/// Replaces this process, so that signals and the exit code are the check's own. Returns only if
/// the program cannot be executed.
pub fn run(arguments: &[OsString]) -> Result<()> {
    // What follows a setting is handed on unread.
    let is_handed_on = arguments.iter().any(|argument| argument == JSON);
    if is_handed_on {
        output::use_json();
    }
    let mut check = worker::command("check the run")?;
    check.arg("verify").args(arguments);
    if output::is_json() && !is_handed_on {
        check.arg(JSON);
    }
    let error = check.exec();
    Err(worker::not_executed(&check, &error))
}
