//! What Prometheus and Grafana are given: rules, dashboard, autoscaler; read, parsed, and
//! taken apart into the series that each asks for.

// What cannot go on ends, with what it knows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)]

use std::{collections::BTreeSet, path::PathBuf};

use pedidos_service::metrics::{ALL, Kind};
use promql_parser::{
    parser::{self, Expr, VectorSelector},
    util::{ExprVisitor, walk_expr},
};
use serde_json::Value;

/// An expression, and where it stands.
#[derive(Debug, Clone)]
pub struct Query {
    /// Where it stands.
    pub place: String,
    /// What it is, in PromQL.
    pub expr: String,
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The series that it records, or the alert.
    pub name: String,
    /// Does it alert?
    pub alerts: bool,
    /// Where its runbook is.
    pub runbook: String,
    /// What it asks.
    pub query: Query,
}

/// A file of this repository.
#[must_use]
pub fn file(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rules, in their order.
#[must_use]
pub fn rules() -> Vec<Rule> {
    let resource: Value = serde_saphyr::from_str(&file("k8s/components/monitoring/rules.yaml"))
        .expect("the rules are YAML");
    let groups = resource["spec"]["groups"].as_array().expect("there are groups");
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten());
    let rules = rules.map(|rule| {
        let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
        let alerts = rule["alert"].is_string();
        let name = text(if alerts { &rule["alert"] } else { &rule["record"] });
        let query = Query { place: format!("rule {name}"), expr: text(&rule["expr"]) };
        Rule { name, alerts, runbook: text(&rule["annotations"]["runbook_url"]), query }
    });
    rules.collect()
}

/// The queries of the dashboard's panels.
#[must_use]
pub fn panels() -> Vec<Query> {
    let board: Value = serde_json::from_str(&file("k8s/components/monitoring/dashboard.json"))
        .expect("the dashboard is JSON");
    let panels = board["panels"].as_array().expect("there are panels");
    let queries = panels.iter().flat_map(|panel| {
        let title = panel["title"].as_str().unwrap_or_default();
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.map(move |target| Query {
            place: format!("panel {title}"),
            expr: target["expr"].as_str().unwrap_or_default().to_owned(),
        })
    });
    queries.collect()
}

/// What KEDA asks.
#[must_use]
pub fn triggers() -> Vec<Query> {
    let object: Value = serde_saphyr::from_str(&file("k8s/components/keda/scaled-object.yaml"))
        .expect("the autoscaler is YAML");
    let triggers = object["spec"]["triggers"].as_array().expect("there are triggers");
    let expr = |trigger: &Value| trigger["metadata"]["query"].as_str().map(str::to_owned);
    let queries = triggers.iter().filter_map(expr);
    queries.map(|expr| Query { place: "KEDA".to_owned(), expr }).collect()
}

impl Query {
    fn parsed(&self) -> Expr {
        parser::parse(&self.expr)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.place, self.expr))
    }

    /// The series that it asks for.
    #[must_use]
    pub fn selectors(&self) -> Vec<Selector> {
        let mut found = Found::default();
        let walked = walk_expr(&mut found, &self.parsed());
        walked.unwrap_or_else(|never| match never {});
        found.0
    }
}

/// Series that are asked for.
#[derive(Debug, Clone)]
pub struct Selector {
    /// Their name.
    pub name: String,
    /// The labels that are looked at.
    pub labels: Vec<String>,
    /// It in PromQL, without its range.
    pub expr: String,
}

impl From<&VectorSelector> for Selector {
    fn from(selector: &VectorSelector) -> Self {
        Self {
            name: selector.name.clone().expect("series are asked for by name"),
            labels: selector.matchers.matchers.iter().map(|label| label.name.clone()).collect(),
            expr: selector.to_string(),
        }
    }
}

#[derive(Default)]
struct Found(Vec<Selector>);

impl ExprVisitor for Found {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
        match expr {
            Expr::VectorSelector(selector) => self.0.push(selector.into()),
            Expr::MatrixSelector(range) => self.0.push((&range.vs).into()),
            _ => {}
        }
        Ok(true)
    }
}

/// The series that there are, by name, each with its labels: what the processes serve, and
/// what rules record.
#[must_use]
pub fn series() -> Vec<(String, BTreeSet<String>)> {
    // What Prometheus itself adds.
    let target = ["job", "instance"];
    let mut series = Vec::new();
    for metric in ALL {
        let mut labels: BTreeSet<String> =
            metric.labels.iter().chain(&target).map(|label| (*label).to_owned()).collect();
        if metric.kind == Kind::Histogram {
            series.push((format!("{}_sum", metric.name), labels.clone()));
            series.push((format!("{}_count", metric.name), labels.clone()));
            labels.insert("le".to_owned());
            series.push((format!("{}_bucket", metric.name), labels));
        } else {
            series.push((metric.name.to_owned(), labels));
        }
    }
    let recorded = rules().into_iter().filter(|rule| !rule.alerts);
    series.extend(recorded.map(|rule| (rule.name, BTreeSet::from(["priority".to_owned()]))));
    series
}
