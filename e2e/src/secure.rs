//! A Redis and a MongoDB-protocol server behind TLS alone, each with a user and a
//! password, and a certificate of an authority that no system trusts.

use std::{fs, path::PathBuf, process::Stdio};

use mongodb::bson::doc;
use tokio::process::{Child, Command};

use crate::{
    POLL,
    authority::{Authority, Signed, text},
    in_time,
    servers::script,
};

/// Both servers. They end with it.
pub struct Secure {
    folder: PathBuf,
    /// Who signed for both.
    pub authority: Authority,
    redis: (u16, Child),
    mongo: (u16, Child),
}

/// Who may do everything on both. The password has what URLs must escape.
const USER: &str = "orders";
/// Its password on both, as it is.
pub const PASSWORD: &str = "planted/secret@of:the?stores";
/// The same, as a URL has it.
const ESCAPED: &str = "planted%2Fsecret%40of%3Athe%3Fstores";

impl Secure {
    /// Starts both, empty.
    pub async fn start() -> Self {
        let name = format!("pedidos-secure-{}", uuid::Uuid::new_v4().simple());
        let folder = std::env::temp_dir().join(name);
        let authority = Authority::new();
        let signed = authority.sign("stores");
        let redis = redis(&folder, &authority, &signed);
        let mongo = mongo(&folder, &signed).await;
        let secure = Self { folder, authority, redis, mongo };
        secure.answers().await;
        secure
    }

    /// What a process has to be told.
    pub fn settings(&self, database: &str) -> Vec<(&'static str, String)> {
        let ca = text(&self.authority.file).to_owned();
        vec![
            ("QUEUE_NAME", database.to_owned()),
            ("REDIS_URL", self.redis_url(ESCAPED)),
            ("MONGO_URI", self.mongo_uri(database, ESCAPED, &ca)),
            ("REDIS_TLS_CA_FILE", ca),
        ]
    }

    /// Redis, with this password.
    pub fn redis_url(&self, password: &str) -> String {
        format!("rediss://{USER}:{password}@127.0.0.1:{}", self.redis.0)
    }

    /// MongoDB, with this password and authority.
    pub fn mongo_uri(&self, database: &str, password: &str, ca: &str) -> String {
        format!(
            "mongodb://{USER}:{password}@127.0.0.1:{}/{database}?authSource=admin\
             &directConnection=true&tls=true&tlsCAFile={ca}",
            self.mongo.0
        )
    }

    /// Waits until MongoDB, which was started last, answers.
    async fn answers(&self) {
        let uri = self.mongo_uri("admin", ESCAPED, text(&self.authority.file));
        ping(&uri).await;
    }
}

fn redis(folder: &std::path::Path, authority: &Authority, signed: &Signed) -> (u16, Child) {
    let program = installed("redis-server");
    let (port, data) = (free_port(), folder.join("redis"));
    fs::create_dir_all(&data).expect("a folder can be made");
    // Whoever gives no name gets nothing.
    let users = [
        "user default off".to_owned(),
        format!("user {USER} on >{PASSWORD} ~* &* +@all"),
        String::new(),
    ];
    let acl = data.join("users.acl");
    fs::write(&acl, users.join("\n")).expect("a file can be written");
    let port_text = port.to_string();
    let arguments = [
        ["--port", "0"],
        ["--tls-port", &port_text],
        ["--bind", "127.0.0.1"],
        ["--dir", text(&data)],
        ["--tls-cert-file", text(&signed.certificate)],
        ["--tls-key-file", text(&signed.key)],
        ["--tls-ca-cert-file", text(&authority.file)],
        ["--tls-auth-clients", "no"],
        ["--aclfile", text(&acl)],
        ["--appendonly", "yes"],
        ["--save", ""],
    ];
    (port, spawn(&program, arguments.as_flattened(), &data))
}

/// Its user is made while it takes everybody; then it is started again, for good.
async fn mongo(folder: &std::path::Path, signed: &Signed) -> (u16, Child) {
    let program = installed("secantusd-rs");
    let (port, data) = (free_port(), folder.join("mongo"));
    fs::create_dir_all(data.join("store")).expect("a folder can be made");
    let config = data.join("secantusd.toml");
    fs::write(&config, "").expect("a file can be written");
    let (port_text, store) = (port.to_string(), data.join("store"));
    let open = [
        ["--port", &port_text],
        ["--storage-path", text(&store)],
        ["--config", text(&config)],
        ["--cache-size", "256M"],
    ];
    // It is killed: without this the user would be lost.
    let mut arguments = open.as_flattened().to_vec();
    arguments.push("--sync-on-commit");
    let mut child = spawn(&program, &arguments, &data);
    let client = ping(&format!("mongodb://127.0.0.1:{port}/?directConnection=true")).await;
    let user = doc! { "createUser": USER, "pwd": PASSWORD, "roles": ["root"] };
    client.database("admin").run_command(user).await.expect("a user can be made");
    client.shutdown().immediate(true).await;
    child.start_kill().expect("it is still there");
    child.wait().await.expect("a child can be waited for");
    let shut =
        [["--tls-cert-file", text(&signed.certificate)], ["--tls-key-file", text(&signed.key)]];
    arguments.extend(shut.as_flattened());
    arguments.push("--auth");
    (port, spawn(&program, &arguments, &data))
}

async fn ping(uri: &str) -> mongodb::Client {
    let client = mongodb::Client::with_uri_str(uri).await.expect("it is an address");
    in_time("MongoDB", async {
        while let Err(error) = client.database("admin").run_command(doc! { "ping": 1 }).await {
            assert!(!error.to_string().contains("uthentication"), "{error}");
            tokio::time::sleep(POLL).await;
        }
    })
    .await;
    client
}

fn spawn(program: &str, arguments: &[&str], data: &std::path::Path) -> Child {
    let log = fs::File::create(data.join("log")).expect("a log can be made");
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file has a second handle"))
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{program} does not start: {error}"))
}

/// The path of a server's program.
fn installed(name: &str) -> String {
    let output = std::process::Command::new(script()).arg(name).output().expect("there is a bash");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    loop {
        let port = rand::random_range(12_000..20_000);
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        for child in [&mut self.redis.1, &mut self.mongo.1] {
            let _gone = child.start_kill();
        }
        let _gone = fs::remove_dir_all(&self.folder);
    }
}
