//! The images of the programs, and those that stand in for Redis and MongoDB.

use std::{fs, os::unix::fs::chown, path::PathBuf};

use super::place::{Ours, Place, text};

pub struct Images {
    pub api: String,
    pub worker: String,
    pub cli: String,
}

/// The stores with a volume.
pub const VOLUMES: [&str; 2] = ["redis", "mongodb"];
/// The user of the pods, who must own their volumes.
const USER: u32 = 65_532;

/// Makes the images on a cluster that is ours; else answers those that the variables name.
pub async fn make(place: &Place) -> Images {
    let shell = place.shell();
    if place.is_ours() && place.is_fast() {
        shell.show(&shell.script("dashboard"), &[]).await;
    }
    // What make test and make check build, so that it is there if they have run.
    shell.show(&shell.script("build"), &[]).await;
    let Some(ours) = &place.ours else {
        let image = |name| shell.variable(name).unwrap_or_default().to_owned();
        return Images {
            api: image("API_IMAGE"),
            worker: image("WORKER_IMAGE"),
            cli: image("CLI_IMAGE"),
        };
    };
    let images = Images {
        api: "pedidos-api:test".to_owned(),
        worker: "pedidos-worker:test".to_owned(),
        cli: "pedidos-cli:test".to_owned(),
    };
    if place.is_fast() {
        let built = [
            (&images.api, "pedidos-api"),
            (&images.worker, "pedidos-worker"),
            (&images.cli, "pedidos"),
        ];
        for (image, name) in built {
            let program = crate::programs::program(name);
            shell.show(&ours.scripts.join("image"), &[image, text(&program)]).await;
        }
    } else {
        bases(place, ours).await;
        for target in ["worker", "api", "cli"] {
            from_dockerfile(place, ours, target).await;
        }
    }
    stand_ins(place, ours).await;
    images
}

async fn from_dockerfile(place: &Place, ours: &Ours, target: &str) {
    let shell = place.shell();
    let (stage, image) = (shell.script("stage"), ours.scripts.join("image"));
    let title = format!("image of {target}, from the Dockerfile");
    let name = format!("pedidos-{target}:test");
    let build = [&title, text(&image), "--build", &name, text(&shell.root), "--target", target];
    shell.show(&stage, &build).await;
}

/// The images that the Dockerfile starts from. What a build fetches is checked against the
/// authorities that this machine trusts.
async fn bases(place: &Place, ours: &Ours) {
    const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";
    let shell = place.shell();
    let base = ours.scripts.join("base");
    let program = |name: &str| {
        let path = shell.find(name).unwrap_or_else(|| panic!("no {name} on PATH"));
        path.canonicalize().expect("it is there")
    };
    let rustc = PathBuf::from("rustc");
    let toolchain = shell.read(&rustc, &["--print", "sysroot"]).await;
    let manifest = fs::read_to_string(shell.root.join("Cargo.toml")).expect("it is there");
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \""));
    let version = version.expect("Cargo.toml has a rust-version").trim_end_matches('"');
    let rust = format!("docker.io/library/rust:{version}-slim-bookworm");
    let copies = ["bin", "lib"].map(|part| format!("{toolchain}/{part}:/usr/local/rust/{part}"));
    let trusted = format!("SSL_CERT_FILE={TRUSTED}");
    let path = "PATH=/usr/local/rust/bin:/usr/local/bin:/usr/bin:/bin";
    let options = [
        ["--packages", "gcc libc6-dev"],
        ["--copy", &copies[0]],
        ["--copy", &copies[1]],
        ["--env", path],
        ["--env", &trusted],
    ];
    shell.show(&base, &[&[rust.as_str()], options.as_flattened()].concat()).await;

    let (node, npm) = (program("node"), program("npm"));
    let modules = text(&npm).split("/npm/bin/").next().unwrap_or_default();
    let link = place.folder.join("npm");
    std::os::unix::fs::symlink("../lib/node_modules/npm/bin/npm-cli.js", &link)
        .expect("a link can be made");
    let copies = [
        format!("{}:/usr/local/bin/node", node.display()),
        format!("{modules}:/usr/local/lib/node_modules"),
        format!("{}:/usr/local/bin/npm", link.display()),
    ];
    let trusted = format!("NODE_EXTRA_CA_CERTS={TRUSTED}");
    let options = [
        ["--copy", &copies[0]],
        ["--copy", &copies[1]],
        ["--copy", &copies[2]],
        ["--env", &trusted],
    ];
    let image = ["docker.io/library/node:20-bookworm-slim"];
    shell.show(&base, &[&image, options.as_flattened()].concat()).await;
}

/// On our own cluster nothing can be pulled, and no volume makes itself: this machine's servers
/// stand in for the images of Redis and MongoDB, and two folders are the volumes.
async fn stand_ins(place: &Place, ours: &Ours) {
    let shell = place.shell();
    let (services, image) = (shell.script("services"), ours.scripts.join("image"));
    let redis = PathBuf::from(shell.read(&services, &["redis-server"]).await);
    let redis = redis.canonicalize().expect("the server is there");
    let mongo = shell.read(&services, &["secantusd-rs"]).await;
    let redis = format!("{}:/usr/local/bin/redis-server", redis.display());
    shell.show(&image, &["pedidos-redis:test", &redis]).await;
    shell.show(&image, &["pedidos-mongodb:test", &mongo]).await;
    let volumes = ours.home.join("volumes");
    for name in VOLUMES {
        let volume = volumes.join(name);
        let _none = fs::remove_dir_all(&volume);
        fs::create_dir_all(&volume).expect("a folder can be made");
        // The kubelet gives a hostPath to nobody: it has to be the pod's user's beforehand.
        chown(&volume, Some(USER), Some(USER)).expect("this is root");
    }
}
