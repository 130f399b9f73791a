//! `pedidos-worker` has the drivers of both stores, which the command line does without.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::failure::{Failure, Result};

const PROGRAM: &str = "pedidos-worker";

/// The program beside this one, or on PATH. `what`: what it is needed for.
pub fn command(what: &str) -> Result<Command> {
    let own = env::current_exe().unwrap_or_default();
    if let Some(program) = beside(&own) {
        return Ok(Command::new(program));
    }
    // A name without a folder is looked up on PATH.
    let folders = env::var_os("PATH").unwrap_or_default();
    if env::split_paths(&folders).any(|folder| folder.join(PROGRAM).is_file()) {
        return Ok(Command::new(PROGRAM));
    }
    Err(Failure::Failed(missing(what, &own)))
}

fn beside(own: &Path) -> Option<PathBuf> {
    Some(own.with_file_name(PROGRAM)).filter(|program| program.is_file())
}

pub fn not_executed(command: &Command, error: &io::Error) -> Failure {
    let program = Path::new(command.get_program()).display();
    Failure::Failed(format!("cannot execute {program}: {error}"))
}

fn missing(what: &str, own: &Path) -> String {
    let folder = own.parent().unwrap_or(own).display();
    format!(
        "cannot {what}: {PROGRAM} reads the stores, and is neither in {folder} nor on PATH. Install \
         it there, or do this where a worker runs, for example: kubectl exec deploy/{PROGRAM} -- \
         {PROGRAM} --help"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_is_told_from_one_that_cannot_be_executed() {
        let said = missing("check the run", Path::new("/opt/bin/pedidos"));
        assert!(said.contains("/opt/bin") && said.contains("kubectl exec"), "{said}");
        let command = Command::new(PROGRAM);
        let refused = not_executed(&command, &io::ErrorKind::PermissionDenied.into());
        assert!(refused.to_string().starts_with("cannot execute pedidos-worker: "), "{refused}");
    }
}
