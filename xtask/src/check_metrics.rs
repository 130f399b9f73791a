//! What promtool says of the rules and of what is served, and what a real Prometheus answers to
//! every rule and every panel of the dashboard, scraping one API and two workers during a run.
//! On MONGO_URI and REDIS_URL (`scripts/services with` gives them), in a database and queue of
//! its own; ends all it starts.

use std::{env, fs, process::Command};

use crate::{
    command::{TemporaryFolder, read, run},
    failure::{Context, Result, fail},
    need::need_prometheus,
    project::{PROGRAMS, Project},
};

const FOLDER: &str = "k8s/components/monitoring";

pub(crate) fn check_metrics(project: &Project) -> Result {
    env::set_current_dir(&project.root).context(project.root.display())?;
    let [prometheus, promtool] = need_prometheus(project, "check-metrics")?;
    let here = TemporaryFolder::new("pedidos-check-metrics")?;
    let folder = project.root.join(FOLDER);
    let rules = without_head(&read(&folder.join("rules.yaml"))?);
    let cases = read(&folder.join("rules_test.yaml"))?;
    let file = here.0.join("rules.yaml");
    fs::write(&file, &rules).context(file.display())?;
    let tests = here.0.join("rules_test.yaml");
    fs::write(&tests, &cases).context(tests.display())?;
    run(Command::new(&promtool).args(["check", "rules"]).arg(&file))?;
    run(Command::new(&promtool).args(["test", "rules"]).arg(&tests))?;
    every_alert_has_cases(&rules, &cases)?;

    run(&mut Command::new(project.root.join("scripts/build")))?;
    let mut test = Command::new("cargo");
    // Its own program, too: a package's tests come with its programs.
    test.args(["test", "--quiet", "--release"]).args(PROGRAMS);
    run(test.args(["-p", "pedidos-monitoring", "--test", "queries"]))?;
    let mut monitoring = Command::new(project.programs().join("monitoring"));
    monitoring.env("PROMETHEUS", prometheus).env("PROMTOOL", promtool).env("RULES", file);
    run(&mut monitoring)
}

/// The rules as Prometheus reads them, out of the manifest: as compose.yaml does it.
fn without_head(manifest: &str) -> String {
    let after = manifest.lines().skip_while(|line| !line.starts_with("spec:")).skip(1);
    after.flat_map(|line| [line.strip_prefix("  ").unwrap_or(line), "\n"]).collect()
}

fn every_alert_has_cases(rules: &str, cases: &str) -> Result {
    let alerts = rules.lines().filter_map(|line| line.split_once("alert: "));
    for (_, alert) in alerts {
        let ours = format!("alertname: {alert}");
        let following = cases.lines().zip(cases.lines().skip(1));
        let of_alert = || following.clone().filter(|(line, _)| line.ends_with(&ours));
        if !of_alert().any(|(_, next)| next.contains("exp_alerts: []")) {
            return fail(format!("rules_test.yaml has no passing case of {alert}"));
        }
        if !of_alert().any(|(_, next)| next.ends_with("exp_alerts:")) {
            return fail(format!("rules_test.yaml has no firing case of {alert}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_needs_a_case_of_each_kind() {
        let rules = without_head("kind: x\nspec:\n  groups:\n    - alert: Slow\n");
        assert_eq!(rules, "groups:\n  - alert: Slow\n");
        let passing = "alertname: Slow\n  exp_alerts: []\n";
        let firing = "alertname: Slow\n  exp_alerts:\n";
        assert!(every_alert_has_cases(&rules, &(passing.to_owned() + firing)).is_ok());
        for cases in [passing, firing, "alertname: Slower\n  exp_alerts:\n"] {
            assert!(every_alert_has_cases(&rules, cases).is_err(), "{cases}");
        }
    }
}
