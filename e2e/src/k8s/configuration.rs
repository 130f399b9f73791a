//! Wrong and missing Secrets, keys, TLS, the image of the command line, and what the cluster
//! itself says of every manifest.

use std::fs;

use super::{
    api,
    checked::holds,
    kubectl::{API, NAMESPACE, WORKER},
    manifests,
    place::text,
    report::section,
    test::Test,
};
use crate::{authority::Authority, client::Client, process::Environment};

/// A worker whose MongoDB is nowhere.
const NOWHERE: &str = r#"{"spec": {"template": {"spec": {"containers": [{"name": "pedidos",
  "env": [{"name": "MONGO_URI",
    "valueFrom": {"secretKeyRef": {"name": "wrong", "key": "MONGO_URI"}}}]}]}}}}"#;

impl Test<'_> {
    pub async fn wrong_secret(&self) {
        section("a wrong Secret");
        self.kubectl.k("scale deployment/pedidos-worker --replicas 1").await;
        self.workers_are(60, "one worker", 1).await;
        let old = self.kubectl.pods(WORKER).await.remove(0);
        let uri = "--from-literal MONGO_URI=mongodb://nowhere:27017/ecommerce";
        self.kubectl.k(&format!("create secret generic wrong {uri}")).await;
        self.kubectl.words(&["patch", "deployment", "pedidos-worker", "--patch", NOWHERE]).await;
        self.workers_are(60, "its pod is there, and the old one too", 2).await;
        let new = self.kubectl.pods(WORKER).await.into_iter().find(|pod| *pod != old);
        let new = new.expect("there are two");
        let says_why = async || {
            let logs = self.kubectl.try_k(&format!("logs {new}")).await.text;
            let why =
                |line: &str| line.contains("waiting for the stores") && line.contains("nowhere");
            holds(logs.lines().any(why), || logs.clone())
        };
        self.report.eventually(60, "one line of its log says why", says_why).await;
        let waits = format!("wait --for=condition=Ready=false {new} --timeout 20s");
        self.check("it is not ready", &waits).await;
        let works = format!("wait --for=condition=Ready {old} --timeout 20s");
        self.check("the old one is", &works).await;
        self.kubectl.k("rollout undo deployment/pedidos-worker").await;
        self.workers_are(60, "taken back", 1).await;
    }

    /// Answers a key that the APIs take from now on.
    pub async fn base_wants_keys(&self) -> String {
        section("the base, which wants keys");
        let mongo = "mongodb://mongodb:27017/ecommerce?directConnection=true";
        let stores =
            format!("--from-literal REDIS_URL=redis://redis:6379 --from-literal MONGO_URI={mongo}");
        self.kubectl.k(&format!("create secret generic pedidos-stores {stores}")).await;
        self.kubectl.apply(&self.place.folder.join("base")).await;
        self.says_what_is_missing("without them, a log says what is missing", "API_KEYS_FILE")
            .await;
        self.report
            .check("and the APIs before it serve on", self.api.answers("/readyz", "ok").await);
        let file = self.place.folder.join("keys");
        let new = ["key", "new", "--name", "test", "--role", "viewer", "--file", text(&file)];
        let made = self.pedidos(&new, &[]).await;
        assert!(made.ok, "a key: {}", made.text);
        let key = made.out.trim().to_owned();
        let create = ["create", "secret", "generic", "pedidos-keys", "--from-file", text(&file)];
        self.kubectl.words(&create).await;
        self.restart_apis("with them it comes up").await;
        let unauthorized = async || self.api.refuses_with(401).await;
        self.report.eventually(60, "who has no key gets 401", unauthorized).await;
        self.report.check("who has one is answered", self.api.takes_key(&key).await);
        key
    }

    pub async fn tls(&self, key: &str) {
        section("TLS, as in overlays/prod");
        self.kubectl.apply(&self.place.folder.join("tls")).await;
        let missing = "without a certificate, a log says what is missing";
        self.says_what_is_missing(missing, "tls.crt").await;
        let name = format!("pedidos-api.{NAMESPACE}.svc");
        let authority = Authority::new();
        let signed = authority.sign_for("pedidos-api", &[&name]);
        let certificate = ["--cert", text(&signed.certificate), "--key", text(&signed.key)];
        let create = ["create", "secret", "tls", "pedidos-tls"];
        self.kubectl.words(&[&create[..], &certificate].concat()).await;
        self.restart_apis("with it the probes are answered").await;
        let reached = self.place.reach("pedidos-api", 443).await;
        let address = reached.address.parse().expect("it is an address");
        let trusted = ("PEDIDOS_CA_FILE".to_owned(), text(&authority.file).to_owned());
        let trusted = Environment::from([trusted]);
        let secure = Client::unpooled(&format!("https://{name}"), &trusted, Some(address));
        let answered = async || api::takes_key(&secure, key).await;
        let what = "the Service answers by TLS, with that certificate";
        self.report.eventually(60, what, answered).await;
        // Those that go answer in plain text for as long as the Service still leads to them.
        let two = async || self.count_is(API, 2).await;
        self.report.eventually(60, "the APIs before these are gone", two).await;
        let plain = format!("http://{}", reached.address);
        let plain = Client::unpooled(&plain, &Environment::new(), None);
        let refused = async || {
            let answered = api::is_answered(&plain, "/livez").await;
            holds(answered.is_err(), || "it is answered in plain text".to_owned())
        };
        self.report.eventually(20, "and in no other way", refused).await;
    }

    /// An API that cannot start says in its log what it lacks.
    async fn says_what_is_missing(&self, what: &str, missing: &str) {
        let says = async || {
            let logs = format!("logs --selector {API} --tail 20 --prefix");
            let logs = self.kubectl.try_k(&logs).await.text;
            let says = |line: &str| {
                line.split_once("error: ").is_some_and(|(_, error)| error.contains(missing))
            };
            holds(logs.lines().any(says), || logs.clone())
        };
        self.report.eventually(60, what, says).await;
    }

    async fn restart_apis(&self, what: &str) {
        self.kubectl.k("rollout restart deployment/pedidos-api").await;
        self.check(what, "rollout status deployment/pedidos-api --timeout 240s").await;
    }

    pub async fn command_line(&self, image: &str) {
        section("the command line, in an image");
        let pod = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": { "name": "cli" },
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": false,
                "securityContext": {
                    "runAsNonRoot": true,
                    "runAsUser": 65_532,
                    "seccompProfile": { "type": "RuntimeDefault" },
                },
                "containers": [{
                    "name": "pedidos",
                    "image": image,
                    "args": ["key", "new", "--name", "test", "--role", "viewer", "--file", "/keys/keys"],
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "readOnlyRootFilesystem": true,
                        "capabilities": { "drop": ["ALL"] },
                    },
                    "volumeMounts": [{ "name": "keys", "mountPath": "/keys" }],
                }],
                "volumes": [{ "name": "keys", "emptyDir": {} }],
            },
        });
        let file = self.place.folder.join("cli.json");
        fs::write(&file, pod.to_string()).expect("a file can be written");
        self.kubectl.words(&["create", "--filename", text(&file)]).await;
        let succeeded = "wait --for=jsonpath={.status.phase}=Succeeded pod/cli --timeout 60s";
        self.check("it makes a key", succeeded).await;
        let logs = self.kubectl.try_k("logs cli").await;
        let is_key = |line: &str| {
            let digits = line.strip_prefix("pedidos_").unwrap_or_default();
            digits.len() == 64 && digits.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
        };
        let printed = logs.out.lines().any(is_key);
        self.report.check("and prints it", holds(printed, || logs.text));
    }

    pub async fn every_manifest(&self) {
        section("every manifest, by the cluster's own strict validation");
        for name in manifests::ALL {
            let folder = self.place.folder.join(name);
            let apply =
                ["apply", "--dry-run=server", "--validate=strict", "--kustomize", text(&folder)];
            self.report.check(name, self.kubectl.try_cluster(&apply).await.checked());
        }
    }
}
