//! The servers' programs, which are installed where they are missing: Redis by apt-get, and for
//! MongoDB secantusd-rs by cargo.

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use super::display;
use crate::{
    command::{SearchPath, apt_install, is_executable, quietly, say, tail},
    events::logged,
    failure::{Context, Failure, Result, fail},
    project::Project,
    tools,
};

/// Its own profile (thin LTO, one unit a crate) takes half as long again. Here only what a
/// command passes through is optimized; docs/performance.md has what that saves and costs.
const SECANTUS_OPTIMIZED: [&str; 34] = [
    "secantus-auth",
    "secantus-commands",
    "secantus-core",
    "secantus-mdb",
    "secantus-server",
    "secantus-storage",
    "secantus-storage-adapter",
    "secantus-wire",
    "secantus-wt",
    "secantus-wiredtiger-sys",
    "ahash",
    "bson",
    "bytes",
    "crossbeam-channel",
    "crossbeam-utils",
    "hashbrown",
    "indexmap",
    "libmimalloc-sys",
    "libz-sys",
    "lock_api",
    "memchr",
    "mimalloc",
    "mio",
    "parking_lot",
    "parking_lot_core",
    "rand",
    "rand_core",
    "regex-automata",
    "serde",
    "serde_core",
    "simdutf8",
    "smallvec",
    "socket2",
    "tokio",
];

pub(super) struct Installer<'a> {
    project: &'a Project,
    pub path: SearchPath,
    tells: bool,
}

impl<'a> Installer<'a> {
    pub fn new(project: &'a Project, tells: bool) -> Self {
        let path = SearchPath::of_environment().last(project.local("bin"));
        Self { project, path, tells }
    }

    fn tell(&self, line: &str) {
        if self.tells {
            say(line);
        }
    }

    // ------------------------------------------------------------------------ Redis

    pub fn redis_server(&self) -> Result<PathBuf> {
        self.redis_that_fits().map_or_else(|| self.install_redis(), Ok)
    }

    pub fn redis_version(program: &Path) -> String {
        let said = quietly(Command::new(program).arg("--version"));
        let mut words = said.split_whitespace();
        words.find_map(|word| word.strip_prefix("v=")).unwrap_or_default().to_owned()
    }

    /// Scripts with `flags=`, as this project has them, came with Redis 7.
    pub fn redis_that_fits(&self) -> Option<PathBuf> {
        let program = self.path.find("redis-server")?;
        let version = Self::redis_version(&program);
        let major = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
        if major >= 7 {
            return Some(program);
        }
        self.tell(&format!(
            "redis: redis-server {version} on PATH is too old, 7.0 or newer is needed"
        ));
        None
    }

    /// Debian's redis-server is a link to this program of redis-tools. The package
    /// redis-server would besides start a server of the system's own, on port 6379.
    pub fn install_redis(&self) -> Result<PathBuf> {
        const NOT_FIT: &str =
            "redis: what apt-get has does not fit: install Redis 7 or newer, or set REDIS_URL";
        apt_install(self.project, "redis", &["redis-tools"])?;
        let bin = self.project.local("bin");
        fs::create_dir_all(&bin).context(bin.display())?;
        let program = self.path.find("redis-check-rdb").ok_or_else(|| Failure::new(NOT_FIT))?;
        let link = bin.join("redis-server");
        let _ = fs::remove_file(&link);
        symlink(&program, &link).context(link.display())?;
        // An older one on PATH does not stand in its way.
        let installed = Self { path: self.path.clone().first(bin), ..*self };
        installed.redis_that_fits().ok_or_else(|| Failure::new(NOT_FIT))
    }

    // --------------------------------------------------------------------- secantusd-rs

    pub fn secantus(&self) -> Result<PathBuf> {
        self.secantus_that_fits()?.map_or_else(|| self.install_secantus(), Ok)
    }

    /// The program, if it is installed in the version that is tested here.
    pub fn secantus_that_fits(&self) -> Result<Option<PathBuf>> {
        let version = tools::version("SECANTUS")?;
        let own = self.project.local("secantus/bin/secantusd-rs");
        let mut programs = [Some(own), self.path.find("secantusd-rs")].into_iter().flatten();
        Ok(programs.find(|program| {
            let said = || quietly(Command::new(program).arg("--version"));
            is_executable(program) && said().contains(&format!(" {version}"))
        }))
    }

    pub fn install_secantus(&self) -> Result<PathBuf> {
        let version = tools::version("SECANTUS")?;
        if !self.path.has("cargo") {
            return fail(
                "mongo: no mongod, no Docker, no cargo: install one of them, or set MONGO_URI",
            );
        }
        let builders = [("cmake", "cmake"), ("make", "make"), ("cc", "gcc"), ("c++", "g++")];
        let missing = builders.iter().filter(|(program, _)| !self.path.has(program));
        let mut packages: Vec<_> = missing.map(|(_, package)| *package).collect();
        if !packages.is_empty() {
            packages.push("libc6-dev");
            apt_install(self.project, "mongo: to build secantusd-rs", &packages)?;
        }
        let log = self.project.local("secantus.log");
        let folder = self.project.local("");
        fs::create_dir_all(&folder).context(folder.display())?;
        say(&format!(
            "mongo: building secantusd-rs {version} with cargo, once: about 5 minutes on 2 cores; \
             log: {}",
            log.display()
        ));
        let root = self.project.local("secantus");
        let mut cargo = Command::new("cargo");
        cargo.args(["install", "--locked", "--ignore-rust-version"]);
        cargo.args(["--config", "profile.release.lto=\"off\""]);
        cargo.args(["--config", "profile.release.codegen-units=16"]);
        cargo.args(["--config", "profile.release.opt-level=0"]);
        for package in SECANTUS_OPTIMIZED {
            let optimized = format!("profile.release.package.{package}.opt-level=3");
            cargo.args(["--config", &optimized]);
        }
        cargo.args(["--version", version, "secantus-mdb", "--root", display(&root)?]);
        logged(&mut cargo, File::create(&log).context(log.display())?)?;
        if !cargo.status().context("cargo")?.success() {
            let (last, log) = (tail(&log, 30), log.display());
            return fail(format!(
                "mongo: cargo could not install secantusd-rs; all of its lines are in {log}, \
                 the last are:\n{last}"
            ));
        }
        self.secantus_that_fits()?
            .ok_or_else(|| Failure::new(format!("mongo: secantusd-rs {version} does not run")))
    }
}
