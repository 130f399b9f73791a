//! Child processes: kubectl, the scripts of this repository, and those of `../shared/kube`.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{process::Command, sync::Mutex};

use super::checked::{Checked, holds};
use crate::process::Environment;

/// The namespace of the test, which is deleted before and after.
pub const NAMESPACE: &str = "pedidos-test";
/// The pods of the workers.
pub const WORKER: &str = "app.kubernetes.io/name=pedidos-worker";
/// The pods of the APIs.
pub const API: &str = "app.kubernetes.io/name=pedidos-api";

/// Held while a script runs. A script is not killed when the test is interrupted: what it has
/// started could not be taken down then.
static SCRIPT: Mutex<()> = Mutex::const_new(());

/// Waits until no script runs.
pub async fn scripts_ended() {
    drop(SCRIPT.lock().await);
}

/// What a child process printed.
pub struct Said {
    pub ok: bool,
    pub out: String,
    /// Standard output, and then standard error.
    pub text: String,
}

impl Said {
    /// It has succeeded.
    pub fn checked(self) -> Checked {
        holds(self.ok, || self.text)
    }

    /// It has failed, and said this, in capitals or not.
    pub fn refused(self, why: &str) -> Checked {
        let says = self.text.to_lowercase().contains(&why.to_lowercase());
        holds(!self.ok && says, || self.text)
    }
}

/// Runs a command to its end.
pub async fn output(mut command: Command) -> Said {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let text = format!("{out}{}", String::from_utf8_lossy(&output.stderr));
    Said { ok: output.status.success(), out, text }
}

/// Where child processes run, and with which environment.
pub struct Shell {
    /// The folder of this repository.
    pub root: PathBuf,
    pub environment: Environment,
}

impl Shell {
    pub fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let root = root.canonicalize().expect("the repository is there");
        let text = |text: std::ffi::OsString| text.into_string().ok();
        let variables = std::env::vars_os();
        let environment =
            variables.filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
        Self { root, environment }
    }

    /// A variable; none if it is empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let value = self.environment.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// Where a program is, if it is on PATH.
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        let folders = std::env::split_paths(self.variable("PATH").unwrap_or_default());
        folders.map(|folder| folder.join(program)).find(|path| path.is_file())
    }

    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env_clear().envs(&self.environment);
        command
    }

    /// Runs a script, which must succeed; answers its standard output. What it says else is shown.
    pub async fn read(&self, script: &Path, arguments: &[&str]) -> String {
        self.run(script, arguments, Stdio::piped()).await
    }

    /// As [`Self::read`], and all that it says is shown.
    pub async fn show(&self, script: &Path, arguments: &[&str]) {
        self.run(script, arguments, Stdio::inherit()).await;
    }

    async fn run(&self, script: &Path, arguments: &[&str], stdout: Stdio) -> String {
        let mut command = self.command(script);
        command.args(arguments).stdin(Stdio::null()).stdout(stdout).stderr(Stdio::inherit());
        let held = SCRIPT.lock().await;
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", script.display()));
        let ended = tokio::spawn(async move {
            let output = child.wait_with_output().await;
            drop(held);
            output
        });
        let output = ended.await.expect("nothing ends it").expect("a child can be waited for");
        assert!(output.status.success(), "{} failed: {}", script.display(), output.status);
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub fn script(&self, name: &str) -> PathBuf {
        self.root.join("scripts").join(name)
    }
}

/// The cluster, by kubectl. Commands are words, separated by blanks.
pub struct Kubectl {
    pub shell: Shell,
}

impl Kubectl {
    /// In the namespace of the test.
    pub async fn try_k(&self, command: &str) -> Said {
        self.try_words(&command.split(' ').collect::<Vec<_>>()).await
    }

    /// The same, with words that may have blanks.
    pub async fn try_words(&self, words: &[&str]) -> Said {
        output(self.command(words)).await
    }

    /// The command itself, not run yet.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = self.shell.command("kubectl");
        command.args(["--namespace", NAMESPACE]).args(words);
        command
    }

    /// In the namespace of the test; it must succeed. Answers its standard output.
    pub async fn k(&self, command: &str) -> String {
        self.words(&command.split(' ').collect::<Vec<_>>()).await
    }

    /// The same, with words that may have blanks.
    pub async fn words(&self, words: &[&str]) -> String {
        let said = self.try_words(words).await;
        assert!(said.ok, "kubectl {}: {}", words.join(" "), said.text);
        said.out
    }

    /// Of the whole cluster; answers whether it succeeded.
    pub async fn try_cluster(&self, words: &[&str]) -> Said {
        let mut command = self.shell.command("kubectl");
        command.args(words);
        output(command).await
    }

    /// Of the whole cluster; it must succeed. Answers its standard output.
    pub async fn cluster(&self, command: &str) -> String {
        let said = self.try_cluster(&command.split(' ').collect::<Vec<_>>()).await;
        assert!(said.ok, "kubectl {command}: {}", said.text);
        said.out
    }

    /// Applies a kustomization.
    pub async fn apply(&self, folder: &Path) -> Said {
        let folder = folder.to_str().expect("the path is text");
        let said = self.try_cluster(&["apply", "--kustomize", folder]).await;
        assert!(said.ok, "apply: {}", said.text);
        said
    }

    /// Pods, as `pod/NAME`.
    pub async fn pods(&self, selector: &str) -> Vec<String> {
        let pods = self.k(&format!("get pods --selector {selector} --output name")).await;
        pods.lines().map(str::to_owned).collect()
    }
}
