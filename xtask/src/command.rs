//! Other programs: found, run, listened to.

use std::{
    env,
    ffi::OsString,
    fs,
    io::Write,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use crate::{
    failure::{Context, Failure, Result},
    project::Project,
};

/// Prints a line about what is being done.
pub(crate) fn say(line: &str) {
    // Its reader may have closed the pipe.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints what was asked for. A reader that has gone ends the command, and no panic does.
pub(crate) fn print(text: &str) -> Result {
    std::io::stdout().write_all(text.as_bytes()).context("standard output")
}

/// Where programs are looked for.
#[derive(Debug, Clone)]
pub(crate) struct SearchPath(Vec<PathBuf>);

impl SearchPath {
    pub fn of_environment() -> Self {
        let path = env::var_os("PATH").unwrap_or_default();
        Self(env::split_paths(&path).collect())
    }

    pub fn first(mut self, folder: PathBuf) -> Self {
        self.0.insert(0, folder);
        self
    }

    pub fn last(mut self, folder: PathBuf) -> Self {
        self.0.push(folder);
        self
    }

    pub fn find(&self, program: impl AsRef<Path>) -> Option<PathBuf> {
        let program = program.as_ref();
        // What has a slash in it is a path already.
        if program.components().count() > 1 {
            return is_executable(program).then(|| program.to_owned());
        }
        self.0.iter().map(|folder| folder.join(program)).find(|path| is_executable(path))
    }

    pub fn has(&self, program: &str) -> bool {
        self.find(program).is_some()
    }

    /// As the variable PATH has it.
    pub fn joined(&self) -> OsString {
        env::join_paths(&self.0).unwrap_or_default()
    }
}

pub(crate) fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// As a shell gives it: a signal's number is added to 128.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    let signal = || status.signal().map_or(1, |signal| 128 + signal);
    u8::try_from(status.code().unwrap_or_else(signal)).unwrap_or(1)
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

/// Runs it to its end; it says itself why it fails.
pub(crate) fn run(command: &mut Command) -> Result {
    let status = command.status().context(name(command))?;
    if status.success() { Ok(()) } else { Err(Failure::silent(exit_code(status))) }
}

/// What it prints on standard output. It says itself why it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().context(name(command))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    } else {
        Err(Failure::silent(exit_code(output.status)))
    }
}

/// What it prints on standard output, nothing if it fails.
pub(crate) fn quietly(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let output = output.ok().filter(|output| output.status.success());
    output.map_or_else(String::new, |output| {
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    })
}

/// Does it succeed, whatever it prints?
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// Runs it as a stage of a check, with its name and how long it took.
pub(crate) fn stage(project: &Project, what: &str, command: &Command) -> Result {
    let mut stage = Command::new(project.root.join("scripts/stage"));
    stage.arg(what).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            stage.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        stage.current_dir(folder);
    }
    run(&mut stage)
}

/// Installs packages of the system; `why` is what needs them.
pub(crate) fn apt_install(project: &Project, why: &str, packages: &[&str]) -> Result {
    run(Command::new(project.root.join("scripts/apt-install"))
        .arg(why)
        .args(packages)
        .stdin(Stdio::null())
        // What is asked for by the path of a program prints that path alone.
        .stdout(std::io::stderr()))
}

/// The text of a file that must be there.
pub(crate) fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).context(file.display())
}

/// The last lines of a file.
pub(crate) fn tail(file: &Path, lines: usize) -> String {
    let text = String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned();
    let all: Vec<_> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].iter().flat_map(|line| [*line, "\n"]).collect()
}

/// A folder that goes with it.
pub(crate) struct TemporaryFolder(pub PathBuf);

impl TemporaryFolder {
    pub fn new(name: &str) -> Result<Self> {
        let folder = env::temp_dir().join(format!("{name}-{}", std::process::id()));
        let made = std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), 0o700)
            .create(&folder);
        made.context(folder.display())?;
        Ok(Self(folder))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
