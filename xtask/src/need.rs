//! Tools of others, which are installed where they are missing: by apt-get, or into
//! `.local/tools` by the package manager of their language.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    command::{
        SearchPath, apt_install, is_executable, output, print, quietly, run, say, stage, succeeds,
    },
    failure::{Context, Failure, Result, fail},
    project::Project,
    tools,
};

// -------------------------------------------------------------------------- Node

/// New enough for the dashboard and what checks it.
const NODE_IS_NEW: &str = "const [a, b] = process.versions.node.split('.').map(Number);
    process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)";

/// Where npm's own Node is, or would be.
fn own_node(project: &Project) -> Result<(PathBuf, String)> {
    let version = tools::version("NODE")?;
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    Ok((project.local(&format!("tools/node-{version}")), format!("node-linux-{arch}")))
}

/// Its folder, to be put before PATH.
fn node_folder(project: &Project) -> Result<PathBuf> {
    let (own, package) = own_node(project)?;
    Ok(own.join("node_modules").join(package).join("bin"))
}

/// With the Node that was installed for this clone, if there is one.
pub(crate) fn node_path(project: &Project) -> Result<SearchPath> {
    Ok(SearchPath::of_environment().first(node_folder(project)?))
}

pub(crate) fn has_node(path: &SearchPath) -> bool {
    path.has("npm")
        && path
            .find("node")
            .is_some_and(|node| succeeds(Command::new(node).args(["-e", NODE_IS_NEW])))
}

/// The system's, or, where the system's packages are older, npm's own.
pub(crate) fn need_node(project: &Project, why: &str) -> Result<SearchPath> {
    let path = node_path(project)?;
    if !path.has("node") || !path.has("npm") {
        apt_install(project, why, &["nodejs", "npm"])?;
    }
    if has_node(&path) {
        return Ok(path);
    }
    let (own, package) = own_node(project)?;
    let (version, old) = (tools::version("NODE")?, quietly(Command::new("node").arg("--version")));
    say(&format!(
        "{why}: Node {old} is too old; installing Node {version} with npm into .local/tools"
    ));
    npm_install(&path, &own, &format!("{package}@{version}"))?;
    if has_node(&path) {
        return Ok(path);
    }
    fail(format!("{why}: Node 20.19 or newer is needed, and could not be installed"))
}

/// For shell scripts: a folder to be put before PATH.
pub(crate) fn print_node(project: &Project, why: &str) -> Result {
    need_node(project, why)?;
    let folder = node_folder(project)?;
    print(&format!("{}\n", folder.display()))
}

/// A package of npm in a folder of its own.
pub(crate) fn npm_install(path: &SearchPath, folder: &Path, package: &str) -> Result {
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-fund", "--no-audit", "--prefix"])
        .arg(folder)
        .arg(package);
    run(npm.env("PATH", path.joined()).stdout(std::io::stderr()))
}

// ---------------------------------------------------------------------------- Go

/// The system's, or, where the system's packages are older, the module proxy's.
pub(crate) struct Go {
    path: SearchPath,
    root: Option<PathBuf>,
}

impl Go {
    pub fn need(project: &Project, why: &str) -> Result<Self> {
        let version = tools::version("GO")?;
        let mut go = Self { path: SearchPath::of_environment(), root: None };
        if !go.path.has("go") {
            apt_install(project, why, &["golang-go"])?;
        }
        let from = output(Command::new("go").args(["env", "GOVERSION"]))?;
        if numbers(&from) >= numbers(version) {
            return Ok(go);
        }
        say(&format!("{why}: {from} is too old; taking go{version} from the module proxy"));
        let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        let root = go.module(&format!("golang.org/toolchain@v0.0.1-go{version}.linux-{arch}"));
        let root = root.map_err(|_| {
            Failure::new(format!(
                "{why}: Go {version} or newer is needed, and could not be downloaded"
            ))
        })?;
        // An older Go does not know that some of it are programs.
        run(Command::new("chmod").args(["-R", "u+w"]).arg(&root))?;
        run(Command::new("chmod")
            .args(["-R", "a+x"])
            .args([root.join("bin"), root.join("pkg/tool")]))?;
        go.path = go.path.first(root.join("bin"));
        go.root = Some(root);
        Ok(go)
    }

    pub fn command(&self) -> Command {
        let mut go = Command::new("go");
        go.env("PATH", self.path.joined());
        if let Some(root) = &self.root {
            go.env("GOROOT", root);
        }
        go
    }

    /// The folder of a module's files, as MODULE@VERSION.
    pub fn module(&self, module: &str) -> Result<PathBuf> {
        let said = output(self.command().args(["mod", "download", "-json", module]))?;
        let folder =
            said.lines().find_map(|line| line.strip_prefix("\t\"Dir\": \"")?.split('"').next());
        folder.map(PathBuf::from).ok_or_else(|| Failure::new(format!("{module} has no folder")))
    }
}

/// `go1.26.0` and `1.26` in an order.
fn numbers(version: &str) -> Vec<u32> {
    let digits = version.trim_start_matches("go").split(|c: char| !c.is_ascii_digit());
    digits.map_while(|number| number.parse().ok()).collect()
}

// ------------------------------------------------------------------------ Python

/// Debian has what makes a virtual environment apart.
pub(crate) fn need_python(project: &Project, why: &str) -> Result {
    if succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])) {
        return Ok(());
    }
    apt_install(project, why, &["python3-venv"])
}

/// A package of PyPI in a folder of its own, since their dependencies disagree: where its
/// programs are.
pub(crate) fn python_tool(project: &Project, package: &str, version: &str) -> Result<PathBuf> {
    let folder = project.local(&format!("tools/{package}-{version}"));
    let (bin, installed) = (folder.join("bin"), folder.join("installed"));
    if !installed.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let mut pip = Command::new(bin.join("pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]);
        pip.arg(format!("{package}=={version}"));
        stage(project, &format!("{package} {version}, once"), &pip)?;
        fs::write(&installed, "").context(installed.display())?;
    }
    Ok(bin)
}

// -------------------------------------------------------------------- Prometheus

/// prometheus and promtool; where they are not, Debian's package, unpacked into `.local/tools`.
/// Installed, it would start a server of the system's own.
pub(crate) fn need_prometheus(project: &Project, why: &str) -> Result<[PathBuf; 2]> {
    // An index that is there already may do.
    const UNPACK: &str = "{
        if ((EUID == 0)); then apt-get -qq update
        elif type sudo >/dev/null; then sudo apt-get -qq update; fi
        apt-get -qq download prometheus && dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb
    } 2>&1";
    let own = project.local("tools/prometheus");
    let path = SearchPath::of_environment().last(own.join("usr/bin"));
    let found = || Some([path.find("prometheus")?, path.find("promtool")?]);
    if let Some(programs) = found() {
        return Ok(programs);
    }
    if !path.has("apt-get") {
        return fail(format!(
            "{why}: this system has no apt-get; please install prometheus and promtool"
        ));
    }
    say(&format!("{why}: unpacking prometheus of apt-get into .local/tools"));
    fs::create_dir_all(&own).context(own.display())?;
    let mut bash = Command::new("bash");
    let unpacked = bash.args(["-c", UNPACK]).current_dir(&own).stdin(Stdio::null()).output();
    let unpacked = unpacked.context("bash")?;
    if !unpacked.status.success() {
        say(&String::from_utf8_lossy(&unpacked.stdout));
        return fail(format!("{why}: apt-get has no prometheus; please install it"));
    }
    found().ok_or_else(|| Failure::new(format!("{why}: the package lacks prometheus or promtool")))
}

// ------------------------------------------------------------------------- others

/// A program that is installed by `install` if it is not there.
pub(crate) fn program(path: PathBuf, install: impl FnOnce() -> Result) -> Result<PathBuf> {
    if !is_executable(&path) {
        install()?;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn versions_of_go_have_an_order() {
        assert!(numbers("go1.26.0") >= numbers("1.26.0"));
        assert!(numbers("go1.26") < numbers("1.26.0"));
        assert!(numbers("go1.9.7") < numbers("1.26.0"));
        assert!(numbers("go1.30rc1") > numbers("1.26.0"));
    }
}
