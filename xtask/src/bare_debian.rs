//! Shows that a fresh clone works on a new machine that has only Rust: makes a bare Debian
//! (debootstrap, with git, make and curl), copies this machine's Rust toolchain into it, clones
//! this repository's HEAD, and runs each COMMAND there. Needs root, debootstrap, network. From
//! the environment:
//!
//! ```text
//! BARE    folder of the bare system, made again each time (.local/bare)
//! SUITE   Debian's release (bookworm)
//! MIRROR  Debian's mirror (the one that this machine's apt uses)
//! ```

use std::{
    env, fs,
    fs::File,
    os::unix::process::CommandExt,
    path::{Path, PathBuf, absolute},
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    command::{SearchPath, apt_install, output, print, quietly, run, tail},
    events::logged,
    failure::{Context, Result, fail},
    project::Project,
    signals::{self, Interrupt},
};

const COMMANDS: [&str; 2] = ["make run QUANTITY=100000 EXIT=1", "make test"];
const PATH: &str =
    "/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What else of the environment says how this machine gets through to the network.
const NETWORK: [&str; 6] =
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_DIR", "CURL_CA_BUNDLE"];

/// Answers the exit code.
pub(crate) fn bare_debian(project: &Project, commands: &[&str]) -> Result<u8> {
    if quietly(Command::new("id").arg("-u")) != "0" {
        return fail("only root can make a chroot");
    }
    if !SearchPath::of_environment().has("debootstrap") {
        apt_install(project, "bare-debian", &["debootstrap"])?;
    }
    // In a mount and a process namespace of its own: what is mounted or left running in
    // there is gone when this ends, however it ends.
    if env::var_os("BARE_INSIDE").is_none() {
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "--pid", "--fork", "--kill-child"]);
        unshare.arg(env::current_exe().context("this program")?).arg("bare-debian").args(commands);
        let error = unshare.env("BARE_INSIDE", "1").exec();
        return fail(format!("unshare: {error}"));
    }
    let began = Instant::now();
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let folder = variable("BARE").map_or_else(|| project.local("bare"), PathBuf::from);
    let bare = Bare {
        folder: absolute(&folder).context(folder.display())?,
        suite: variable("SUITE").unwrap_or_else(|| "bookworm".to_owned()),
        // Process 1 of that namespace is not stopped by a signal that it does not handle.
        interrupt: signals::listen(|_| {})?,
    };
    bare.make(variable("MIRROR"))?;
    bare.let_out()?;
    bare.copy_rust()?;
    let mut clone = Command::new("git");
    clone.args(["clone", "--quiet", "--no-hardlinks"]).arg(&project.root);
    bare.run(clone.arg(bare.inside("root/pedidos")))?;
    bare.mount()?;
    print(&format!("== bare Debian: made in {} s\n", began.elapsed().as_secs()))?;
    bare.run(&mut bare.command(
        "echo \"commit $(git rev-parse HEAD), Debian $(cat /etc/debian_version), \
         $(rustc --version)\"; type -P cc cmake redis-server mongod docker || true",
    ))?;
    bare.prove(if commands.is_empty() { &COMMANDS } else { commands })
}

struct Bare {
    folder: PathBuf,
    suite: String,
    interrupt: Interrupt,
}

impl Bare {
    fn inside(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Runs it to its end, and ends if a signal came meanwhile.
    fn run(&self, command: &mut Command) -> Result {
        let result = run(command);
        self.interrupt.check()?;
        result
    }

    fn make(&self, mirror: Option<String>) -> Result {
        let (folder, marker) = (&self.folder, self.inside(".made-by-bare-debian"));
        if folder.exists() {
            let is_empty = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
            if !marker.exists() && !is_empty {
                let folder = folder.display();
                return fail(format!("{folder} is there and was not made by this command"));
            }
            self.run(Command::new("rm").args(["-rf", "--one-file-system"]).arg(folder))?;
        }
        fs::create_dir_all(folder).context(folder.display())?;
        fs::write(&marker, "").context(marker.display())?;
        let mut of_apt = Command::new("apt-get");
        of_apt.args(["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
        of_apt.args(["Origin: Debian", &format!("Codename: {}", self.suite)]);
        let mirror = mirror.or_else(|| quietly(&mut of_apt).lines().next().map(str::to_owned));
        let log = folder.with_extension("log");
        let mut debootstrap = Command::new("debootstrap");
        debootstrap.args(["--variant=minbase", "--include=git,make,curl,ca-certificates"]);
        debootstrap.arg(&self.suite).arg(folder).args(mirror);
        logged(&mut debootstrap, File::create(&log).context(log.display())?)?;
        let made = self.run(&mut debootstrap);
        self.interrupt.check()?;
        made.or_else(|_| {
            fail(format!("debootstrap failed, see {}:\n{}", log.display(), tail(&log, 20)))
        })
    }

    /// How this machine gets through to the network: name server, certificates, settings of apt
    /// and of cargo.
    fn let_out(&self) -> Result {
        let copy = |from: &str| {
            let (from, to) = (Path::new(from), self.inside(from.trim_start_matches('/')));
            fs::copy(from, &to).context(from.display())
        };
        copy("/etc/resolv.conf")?;
        copy("/etc/hosts")?;
        let authorities = Path::new("/usr/local/share/ca-certificates/.");
        if authorities.is_dir() {
            let to = self.inside("usr/local/share/ca-certificates/");
            run(Command::new("cp").arg("-a").args([authorities, &to]))?;
        }
        let mut update = Command::new("chroot");
        let quiet = update.arg(&self.folder).arg("update-ca-certificates").stdout(Stdio::null());
        self.run(quiet.stderr(Stdio::null()))?;
        for name in ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "CARGO_HTTP_CAINFO"] {
            let file = env::var(name).unwrap_or_default();
            let inside = self.inside(file.trim_start_matches('/'));
            if Path::new(&file).is_file() && !inside.exists() {
                run(Command::new("cp").arg("--parents").arg(&file).arg(&self.folder))?;
            }
        }
        let apt = output(Command::new("apt-config").arg("dump"))?;
        let about = ["http", "Check-", "Retries", "ForceIP"];
        let is_about = |line: &&str| {
            let of = line.strip_prefix("Acquire::");
            of.is_some_and(|of| about.iter().any(|about| of.starts_with(about)))
        };
        let lines: String = apt.lines().filter(is_about).flat_map(|line| [line, "\n"]).collect();
        let file = self.inside("etc/apt/apt.conf.d/99host");
        fs::write(&file, lines).context(file.display())?;
        let cargo_home = env::var("CARGO_HOME").map(PathBuf::from);
        let home = || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cargo");
        let config = cargo_home.unwrap_or_else(|_| home()).join("config.toml");
        if config.exists() {
            let to = self.inside("root/.cargo");
            fs::create_dir_all(&to).context(to.display())?;
            fs::copy(&config, to.join("config.toml")).context(config.display())?;
        }
        Ok(())
    }

    /// As rustup would have unpacked it, less its manual.
    fn copy_rust(&self) -> Result {
        let from = output(Command::new("rustc").args(["--print", "sysroot"]))?;
        let to = self.inside("usr/local/rust");
        fs::create_dir_all(&to).context(to.display())?;
        let both = r#"tar -C "$1" --exclude=./share/doc -cf - . | tar -C "$2" -xf -"#;
        self.run(Command::new("bash").args(["-o", "pipefail", "-c", both, "copy", &from]).arg(to))
    }

    fn mount(&self) -> Result {
        // So that what is mounted below it belongs to this namespace.
        self.run(Command::new("mount").arg("--bind").args([&self.folder, &self.folder]))?;
        self.run(Command::new("mount").args(["-t", "proc", "proc"]).arg(self.inside("proc")))?;
        self.run(Command::new("mount").args(["--rbind", "/dev"]).arg(self.inside("dev")))
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("chroot");
        command.arg(&self.folder).args(["bash", "-c", &format!("cd /root/pedidos && {line}")]);
        command.env_clear().env("HOME", "/root").env("LANG", "C.UTF-8").env("PATH", PATH);
        command.env("TERM", env::var_os("TERM").unwrap_or_else(|| "dumb".into()));
        let cargo = ["CARGO_HTTP", "CARGO_NET", "CARGO_REGISTR", "CARGO_SOURCE", "SSL_CERT_FILE"];
        for (name, value) in env::vars_os() {
            let known = name.to_string_lossy().to_uppercase();
            if NETWORK.contains(&known.as_str()) || cargo.iter().any(|of| known.starts_with(of)) {
                command.env(name, value);
            }
        }
        command
    }

    /// Every command ends well, and leaves nothing running.
    fn prove(&self, commands: &[&str]) -> Result<u8> {
        let mut code = 0;
        for line in commands {
            let began = Instant::now();
            let result = self.run(&mut self.command(line));
            self.interrupt.check()?;
            let (how, seconds) =
                (if result.is_ok() { "ok" } else { "FAILED" }, began.elapsed().as_secs());
            print(&format!("== bare Debian: {line}: {how}, {seconds} s\n"))?;
            if result.is_err() {
                return Ok(1);
            }
            let left = self.servers_left();
            if !left.is_empty() {
                print(&format!("== bare Debian: left running by it: {}\n", left.join("\n")))?;
                code = 1;
            }
        }
        Ok(code)
    }

    /// Processes that a command has left running in there.
    fn servers_left(&self) -> Vec<String> {
        let processes = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; echo; done";
        let said = quietly(&mut self.command(processes));
        let is_ours = |line: &&str| {
            let program = line.split(' ').next().unwrap_or_default();
            let program = program.rsplit('/').next().unwrap_or_default();
            ["redis", "secantus", "mongo", "pedidos"].iter().any(|ours| program.starts_with(ours))
        };
        said.lines().filter(is_ours).map(str::to_owned).collect()
    }
}
