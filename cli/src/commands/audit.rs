//! `pedidos audit`: executes `pedidos-worker verify`, which has the drivers of both stores.

use std::{
    env,
    ffi::OsString,
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::failure::{Failure, Result};

const PROGRAM: &str = "pedidos-worker";

/// Replaces this process, so that signals and the exit code are the check's own. Returns only if
/// the program cannot be executed.
pub fn run(arguments: &[OsString]) -> Result<()> {
    let own = env::current_exe().unwrap_or_default();
    let beside = beside(&own);
    // A name without a folder is looked up on PATH.
    let program = beside.as_deref().unwrap_or(Path::new(PROGRAM));
    let error = Command::new(program).arg("verify").args(arguments).exec();
    Err(Failure::Failed(not_started(&own, program, &error)))
}

fn beside(own: &Path) -> Option<PathBuf> {
    Some(own.with_file_name(PROGRAM)).filter(|program| program.is_file())
}

fn not_started(own: &Path, program: &Path, error: &io::Error) -> String {
    if error.kind() != io::ErrorKind::NotFound {
        return format!("cannot execute {}: {error}", program.display());
    }
    let folder = own.parent().unwrap_or(own).display();
    format!(
        "cannot check the run: {PROGRAM} reads the stores, and is neither in {folder} nor on \
         PATH. Install it there, or run the check where a worker runs, for example: kubectl exec \
         deploy/{PROGRAM} -- {PROGRAM} verify"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_is_told_from_one_that_cannot_be_executed() {
        let own = Path::new("/opt/bin/pedidos");
        let said = |kind: io::ErrorKind| not_started(own, Path::new(PROGRAM), &kind.into());
        let missing = said(io::ErrorKind::NotFound);
        assert!(missing.contains("/opt/bin") && missing.contains("kubectl exec"), "{missing}");
        let refused = said(io::ErrorKind::PermissionDenied);
        assert!(refused.starts_with("cannot execute pedidos-worker: "), "{refused}");
    }
}
