//! `pedidos audit`: executes `pedidos-worker verify`.

use std::{ffi::OsString, os::unix::process::CommandExt};

use crate::{failure::Result, worker};

/// Replaces this process, so that signals and the exit code are the check's own. Returns only if
/// the program cannot be executed.
pub fn run(arguments: &[OsString]) -> Result<()> {
    let mut check = worker::command("check the run")?;
    let error = check.arg("verify").args(arguments).exec();
    Err(worker::not_executed(&check, &error))
}
