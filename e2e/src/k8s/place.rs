//! The cluster that the test runs on: that of KUBECONFIG, or one of one node that is made here.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use super::kubectl::{Kubectl, NAMESPACE, Shell};
use crate::process::Process;

/// How long a way to a Service may take to open.
const TO_FORWARD: Duration = Duration::from_secs(20);
/// Orders of a run, unless QUANTITY says otherwise.
const QUANTITY: u32 = 200_000;

/// A cluster, and what is written for it.
pub struct Place {
    pub kubectl: Kubectl,
    pub folder: PathBuf,
    pub quantity: u32,
    /// None: the cluster is that of KUBECONFIG.
    pub ours: Option<Ours>,
    /// The address of its API server, if the cluster is not ours.
    pub server: String,
}

/// A cluster of one node, made by `../shared/kube`.
pub struct Ours {
    /// The scripts that make it.
    pub scripts: PathBuf,
    pub home: PathBuf,
    /// It was not up before: it is taken down in the end.
    made: bool,
}

/// A way from here to a Service.
pub struct Reached {
    pub address: String,
    /// What forwards it, for as long as it is needed.
    _forward: Option<Process>,
}

/// Says what is missing, and ends.
pub fn die(what: &str) -> ! {
    eprintln!("test-k8s: {what}");
    std::process::exit(1)
}

impl Place {
    /// The cluster that the variables name. It asks before it uses an existing one.
    pub async fn choose() -> Self {
        let shell = Shell::new();
        let folder = shell.root.join(".local/test-k8s");
        let _none = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder can be made");
        let quantity = shell.variable("QUANTITY").map(|text| {
            text.parse().unwrap_or_else(|error| die(&format!("QUANTITY={text}: {error}")))
        });
        let mut place = Self {
            kubectl: Kubectl { shell },
            folder,
            quantity: quantity.unwrap_or(QUANTITY),
            ours: None,
            server: String::new(),
        };
        if place.shell().variable("KUBECONFIG").is_some() {
            place.ask().await;
        } else {
            place.build().await;
        }
        place
    }

    pub const fn shell(&self) -> &Shell {
        &self.kubectl.shell
    }

    pub const fn is_ours(&self) -> bool {
        self.ours.is_some()
    }

    /// FAST: images are made of the programs that cargo built here.
    pub fn is_fast(&self) -> bool {
        self.shell().variable("FAST").is_some()
    }

    async fn ask(&mut self) {
        let shell = self.shell();
        if shell.find("kubectl").is_none() {
            die("no kubectl on PATH");
        }
        let tagged = |name| shell.variable(name).is_some_and(|image| image.contains(':'));
        if !["API_IMAGE", "WORKER_IMAGE", "CLI_IMAGE"].into_iter().all(tagged) {
            die("say which images to run, with their tags: API_IMAGE, WORKER_IMAGE and CLI_IMAGE");
        }
        let view = "config view --minify --output jsonpath={.clusters[0].cluster.server}";
        let server = self.kubectl.cluster(view).await;
        let context = self.kubectl.cluster("config current-context").await;
        eprintln!(
            "This deletes and recreates the namespace {NAMESPACE} on {server} (context {}), \
             loads it, and deletes it again.",
            context.trim()
        );
        if shell.variable("YES").is_none() {
            eprint!("Continue? Type yes: ");
            std::io::stderr().flush().ok();
            let mut answer = String::new();
            std::io::stdin().read_line(&mut answer).ok();
            if answer.trim_end_matches('\n') != "yes" {
                die("not done");
            }
        }
        self.server = server;
    }

    async fn build(&mut self) {
        let scripts = self.shell().root.join("../shared/kube");
        let scripts = scripts.canonicalize().unwrap_or(scripts);
        if !scripts.join("up").is_file() {
            die(&format!("no KUBECONFIG, and no {} to make a cluster with", scripts.display()));
        }
        let shell = &mut self.kubectl.shell;
        let home = PathBuf::from(shell.variable("KUBE_HOME").unwrap_or("/tmp/kube-one"));
        let programs = shell.variable("KUBE_BIN").map_or_else(|| home.join("bin"), PathBuf::from);
        let path = format!(
            "{}:{}",
            programs.display(),
            shell.variable("PATH").unwrap_or("/usr/local/bin:/usr/bin:/bin")
        );
        for (name, value) in [
            ("KUBE_METRICS", "1"),
            ("KUBE_HOME", &home.display().to_string()),
            ("KUBE_BIN", &programs.display().to_string()),
            ("PATH", &path),
        ] {
            shell.environment.insert(name.to_owned(), value.to_owned());
        }
        for proxy in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"] {
            shell.environment.remove(proxy);
        }
        let stage = shell.script("stage");
        shell.show(&stage, &["the cluster's programs", text(&scripts.join("build"))]).await;
        // One that is up already is somebody's: it is used, and left up.
        let config = home.join("kubeconfig");
        let ready = ["--kubeconfig", text(&config), "get", "--raw", "/readyz"];
        let made = !self.kubectl.try_cluster(&ready).await.ok;
        self.ours = Some(Ours { scripts, home, made });
    }

    /// Starts a cluster that is ours.
    pub async fn start(&mut self) {
        if let Some(ours) = &self.ours {
            let config = self.shell().read(&ours.scripts.join("up"), &[]).await;
            self.kubectl.shell.environment.insert("KUBECONFIG".to_owned(), config);
        }
    }

    /// Leaves the cluster as it was found, unless KEEP says to keep it.
    pub async fn leave(&self) {
        let shell = self.shell();
        if shell.variable("KEEP").is_some() {
            return;
        }
        if shell.variable("KUBECONFIG").is_some() {
            let mut delete = shell.command("kubectl");
            let namespace = ["delete", "namespace", NAMESPACE];
            delete.args(namespace).args(["--ignore-not-found", "--timeout", "120s"]);
            // Ctrl-C does not reach it: nothing may be left.
            let _gone = delete.process_group(0).stdout(std::process::Stdio::null()).status().await;
        }
        if let Some(ours) = self.ours.as_ref().filter(|ours| ours.made) {
            let _down = shell.command(ours.scripts.join("down")).process_group(0).status().await;
        }
    }

    /// A way from here to a Service, which ends when it is dropped.
    pub async fn reach(&self, service: &str, port: u16) -> Reached {
        if self.is_ours() {
            let address = format!("{}:{port}", self.cluster_ip(service).await);
            return Reached { address, _forward: None };
        }
        let (service, port) = (format!("service/{service}"), format!(":{port}"));
        let command = self.kubectl.command(&["port-forward", &service, &port]);
        let forward = Process::run(&service, command, &self.shell().environment);
        let address = local_address(&forward).await;
        Reached { address, _forward: Some(forward) }
    }

    pub async fn cluster_ip(&self, service: &str) -> String {
        let get = format!("get service {service} --output jsonpath={{.spec.clusterIP}}");
        self.kubectl.k(&get).await
    }
}

/// The address of this machine that a process says it listens on.
pub async fn local_address(process: &Process) -> String {
    let in_line = |line: &String| {
        let from = line.find("127.0.0.1:")?;
        let address = line[from..].split(|c: char| c != '.' && c != ':' && !c.is_ascii_digit());
        address.map(str::to_owned).next()
    };
    process.said_in(TO_FORWARD, |lines| lines.iter().any(|line| in_line(line).is_some())).await;
    let said = process.said();
    let address = said.iter().find_map(in_line);
    address.unwrap_or_else(|| panic!("no way to {}: {}", process.name, process.tail()))
}

/// A path, as an argument of a command.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}
