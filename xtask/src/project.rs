//! Where things lie in a clone of this repository.

use std::{
    env, fs,
    path::{self, Path, PathBuf},
};

/// One clone.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub root: PathBuf,
}

/// What `make run` runs, and images hold: as arguments of cargo.
pub(crate) const PROGRAMS: [&str; 6] =
    ["-p", "pedidos-api", "-p", "pedidos-worker", "-p", "pedidos"];

impl Project {
    /// The clone that `scripts/xtask` is called in. The path that was compiled in does not do: a
    /// folder with programs may have been moved here from another clone.
    pub fn of_environment() -> Self {
        let compiled_in = || Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let root = env::var_os("XTASK_ROOT").map_or_else(compiled_in, PathBuf::from);
        Self { root: fs::canonicalize(&root).unwrap_or(root) }
    }

    /// What is installed and written for this clone alone.
    pub fn local(&self, name: &str) -> PathBuf {
        self.root.join(".local").join(name)
    }

    /// Where `make run` keeps logs and process ids.
    pub fn run_dir(&self) -> PathBuf {
        env::var_os("RUN_DIR")
            .filter(|folder| !folder.is_empty())
            .map_or_else(|| self.local("run"), PathBuf::from)
    }

    /// Where cargo puts programs.
    pub fn programs(&self) -> PathBuf {
        let target = env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty());
        let folder = self.root.join(target.unwrap_or_else(|| "target".into())).join("release");
        let absolute = || path::absolute(&folder).unwrap_or_else(|_| folder.clone());
        fs::canonicalize(&folder).unwrap_or_else(|_| absolute())
    }
}
