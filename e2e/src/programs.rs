//! Where the programs of this workspace are.

use std::{
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

/// Where programs come from instead, while a benchmark measures those of another build.
static OTHER_PROGRAMS: RwLock<Option<PathBuf>> = RwLock::new(None);

/// The variable that names the folder of the programs, for the tests or for one process.
pub const FOLDER: &str = "PEDIDOS_BIN_DIR";

/// From now on programs come from this folder; none: from where they usually do.
pub fn programs_from(folder: Option<PathBuf>) {
    *OTHER_PROGRAMS.write().unwrap_or_else(PoisonError::into_inner) = folder;
}

/// A program of this workspace: in the folder of [`programs_from`], else in
/// [`FOLDER`], else where cargo put it, beside a program of the harness and one
/// folder above a test.
pub fn program(name: &str) -> PathBuf {
    let other = OTHER_PROGRAMS.read().unwrap_or_else(PoisonError::into_inner).clone();
    let given = other.or_else(|| std::env::var_os(FOLDER).map(PathBuf::from));
    program_in(&given.unwrap_or_else(usual_folder), name)
}

/// As [`program`], of the build in this folder, if there is one given.
pub fn program_of(folder: Option<&String>, name: &str) -> PathBuf {
    folder.map_or_else(|| program(name), |folder| program_in(folder.as_ref(), name))
}

/// Where cargo puts the programs.
fn usual_folder() -> PathBuf {
    let harness = std::env::current_exe().expect("this program has a path");
    let folder = harness.parent().expect("it lies in a folder");
    let tests = folder.ends_with("deps");
    if tests { folder.parent().expect("deps lies in target") } else { folder }.to_owned()
}

fn program_in(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    assert!(path.is_file(), "{} is missing: scripts/build, or make test", path.display());
    path
}
