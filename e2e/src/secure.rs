//! A Redis and a MongoDB-protocol server behind TLS alone, each with a user and a
//! password, and a certificate of an authority that no system trusts.

use std::{fs, path::PathBuf};

use mongodb::bson::doc;
use tokio::process::Child;

use crate::{
    authority::{Authority, Signed, text},
    servers::{free_port, installed, spawn},
    wait::eventually,
};

/// Both servers. They stop when it is dropped.
pub struct Secure {
    folder: PathBuf,
    /// The authority that has signed both certificates.
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
    let program = installed(xtask::services::redis_server);
    let (port, data) = (free_port(|_| true), folder.join("redis"));
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
    let program = installed(xtask::services::secantus);
    let (port, data) = (free_port(|_| true), folder.join("mongo"));
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
    eventually("MongoDB", async || {
        let answer = client.database("admin").run_command(doc! { "ping": 1 }).await;
        if let Err(error) = &answer {
            assert!(!error.to_string().contains("uthentication"), "{error}");
        }
        answer.is_ok()
    })
    .await;
    client
}

impl Drop for Secure {
    fn drop(&mut self) {
        for child in [&mut self.redis.1, &mut self.mongo.1] {
            let _gone = child.start_kill();
        }
        let _gone = fs::remove_dir_all(&self.folder);
    }
}
