//! What rules, panels and the autoscaler ask for is there, and what is there is asked for.

// A test that cannot go on fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use pedidos_monitoring::{Query, file, panels, rules, series, triggers};
use pedidos_service::metrics::{ALL, Kind};

#[test]
fn rules_panels_and_the_autoscaler_ask_only_for_what_there_is() {
    let series: BTreeMap<_, _> = series().into_iter().collect();
    let rules = rules();
    let asked: Vec<Query> = rules.into_iter().map(|rule| rule.query).collect();
    assert!(asked.len() > 20 && panels().len() > 40 && !triggers().is_empty());
    for query in asked.into_iter().chain(panels()).chain(triggers()) {
        let selectors = query.selectors();
        assert!(!selectors.is_empty(), "{query:?}");
        for selector in selectors {
            let Some(labels) = series.get(&selector.name) else {
                panic!("{}: there is no {}", query.place, selector.name)
            };
            for label in &selector.labels {
                assert!(
                    labels.contains(label),
                    "{}: {} has no {label}",
                    query.place,
                    selector.name
                );
            }
        }
    }
}

#[test]
fn every_metric_is_asked_for_or_known_not_to_be() {
    // For a person who looks for a cause.
    let not_asked =
        ["process_virtual_memory_bytes", "process_threads", "process_start_time_seconds"];
    let queries = rules().into_iter().map(|rule| rule.query).chain(panels());
    let asked: BTreeSet<_> =
        queries.flat_map(|query| query.selectors()).map(|selector| selector.name).collect();
    for metric in ALL {
        let name = match metric.kind {
            Kind::Histogram => format!("{}_bucket", metric.name),
            _ => metric.name.to_owned(),
        };
        assert_ne!(asked.contains(&name), not_asked.contains(&metric.name), "{name}");
    }
}

#[test]
fn every_alert_has_its_runbook_and_every_runbook_its_alert() {
    let document = file("docs/operations.md");
    let titles = document.lines().filter_map(|line| line.strip_prefix("### "));
    let titles: Vec<_> = titles.filter(|title| title.starts_with("Pedidos")).collect();
    let alerts: Vec<_> = rules().into_iter().filter(|rule| rule.alerts).collect();
    for alert in &alerts {
        let anchor = alert.name.to_lowercase();
        assert_eq!(alert.runbook, format!("docs/operations.md#{anchor}"));
    }
    let names: Vec<_> = alerts.iter().map(|alert| alert.name.as_str()).collect();
    assert_eq!(names, titles);
}
