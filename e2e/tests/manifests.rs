//! What no schema says of the manifests, and no cluster is needed to see. The rest is in
//! `scripts/xtask check-k8s`.

/// Without it no series is no worker: also in the middle of a run, while the API restarts.
#[test]
fn an_absent_metric_is_no_reason_to_remove_workers() {
    let manifest = include_str!("../../k8s/components/keda/scaled-object.yaml");
    let triggers: Vec<_> = manifest.split("- type: prometheus").skip(1).collect();
    assert_eq!(triggers.len(), 2, "{manifest}");
    for trigger in triggers {
        assert!(trigger.contains("\n        ignoreNullValues: \"false\"\n"), "{trigger}");
    }
    assert!(manifest.contains("fallback:"), "without a figure there are as many as it says");
}
