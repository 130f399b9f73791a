//! What the parts of the test share: a run that begins, goes on and ends.

use super::{
    api::Api,
    checked::{Checked, holds},
    kubectl::{Kubectl, Said, output},
    place::Place,
    report::Report,
};
use crate::programs::program;

/// The test, on a cluster that has the images.
pub struct Test<'a> {
    pub kubectl: &'a Kubectl,
    pub report: &'a Report,
    pub place: &'a Place,
    pub api: Api,
}

impl Test<'_> {
    pub async fn check(&self, what: &str, command: &str) {
        self.report.check(what, self.kubectl.try_k(command).await.checked());
    }

    /// So many pods are there, those that are about to end among them.
    pub async fn count_is(&self, selector: &str, count: usize) -> Checked {
        let get = format!("get pods --selector {selector} --output name");
        let pods = self.kubectl.try_k(&get).await;
        let is = pods.ok && pods.out.lines().count() == count;
        holds(is, || format!("{count} pods wanted, there are:\n{}", pods.text))
    }

    /// A run of so many times the quantity begins.
    pub async fn begin(&self, times: u32) {
        let quantity = (self.place.quantity * times).to_string();
        let generate = ["--url", self.api.url(), "generate", "--quantity", &quantity];
        let said = self.pedidos(&generate, &[]).await;
        self.report.check("a run begins", said.checked());
    }

    pub async fn still_running(&self) {
        if let Some(status) = self.api.status().await {
            let phase = status["phase"].as_str().unwrap_or_default();
            let over = matches!(phase, "DONE" | "ABORTED" | "ERROR" | "IDLE");
            assert!(!over, "the run was over too soon: raise QUANTITY");
        }
    }

    /// The run ends, and every order is what it should be.
    pub async fn ends(&self, what: &str) {
        let done = async || self.api.status_is("/phase", &"DONE".into()).await;
        self.report.eventually(900, &format!("{what}: the run ends"), done).await;
        let mongo = self.place.reach("mongodb", 27_017).await;
        let redis = self.place.reach("redis", 6_379).await;
        let stores = [
            ("MONGO_URI", format!("mongodb://{}/ecommerce?directConnection=true", mongo.address)),
            ("REDIS_URL", format!("redis://{}", redis.address)),
        ];
        let audit = self.pedidos(&["audit"], &stores).await;
        assert!(audit.ok, "{what}: the audit: {}", audit.text);
        self.report.ok(&format!("{what}: the audit is clean"));
    }

    /// Runs the command line that was built here.
    pub async fn pedidos(&self, arguments: &[&str], settings: &[(&str, String)]) -> Said {
        let mut command = self.kubectl.shell.command(program("pedidos"));
        command.args(arguments).envs(settings.iter().map(|(name, value)| (name, value)));
        output(command).await
    }
}
