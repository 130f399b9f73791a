//! The kustomizations that are applied: those of `k8s/`, in a namespace of their own, with the
//! images to be tried.

use std::fs;

use super::{
    images::{Images, VOLUMES},
    kubectl::NAMESPACE,
    place::Place,
};

/// What the Dockerfile sets, for images without one.
const DOCKERFILE_SETTINGS: &str = r#"apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  - target: {kind: Deployment}
    patch: |-
      - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: HOST, value: 0.0.0.0}}
      - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: BACKEND_LOGS, value: "false"}}
"#;

/// The servers of this machine, in the place of the images of Redis and MongoDB.
const STAND_INS: &str = r#"apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources: [volumes.yaml]
images:
  - {name: docker.io/library/redis, newName: pedidos-redis, newTag: test}
  - {name: docker.io/library/mongo, newName: pedidos-mongodb, newTag: test}
patches:
  - target: {kind: StatefulSet, name: mongodb}
    patch: |-
      - op: replace
        path: /spec/template/spec/containers/0/command
        value: [secantusd-rs]
      - op: replace
        path: /spec/template/spec/containers/0/args
        value: [--host, 0.0.0.0, --port, "27017", --storage-path, /data/db, --sync-on-commit,
          --cache-size, 512M]
      # It takes twice what mongod is given, with 600,000 orders.
      - {op: replace, path: /spec/template/spec/containers/0/resources/limits/memory, value: 4Gi}
"#;

/// Two cores are the database's before they are the workers': these would never be at 70 % of
/// what they ask for, so a part of that has to do. And down at once, to begin with two.
const AUTOSCALER: &str = "\
resources: [../dev]
components: [../../../k8s/components/hpa]
patches:
  - target: {kind: HorizontalPodAutoscaler}
    patch: |-
      - {op: replace, path: /spec/metrics/0/resource/target/averageUtilization, value: 15}
      - {op: replace, path: /spec/behavior/scaleDown/stabilizationWindowSeconds, value: 0}
";

/// Every kustomization that is written, in this order.
pub const ALL: [&str; 5] = ["dev", "hpa", "base", "tls", "prod"];

pub fn write(place: &Place, images: &Images) {
    if let Some(ours) = &place.ours {
        let mut settings = "";
        if place.is_fast() {
            file(place, "settings", "kustomization.yaml", DOCKERFILE_SETTINGS);
            settings = "../settings";
        }
        file(place, "stand-ins", "kustomization.yaml", STAND_INS);
        let volumes = VOLUMES.map(|name| {
            let path = ours.home.join("volumes").join(name);
            format!(
                "---
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {NAMESPACE}-{name}}}
spec:
  accessModes: [ReadWriteOnce]
  capacity: {{storage: 2Gi}}
  hostPath: {{path: {}}}
  claimRef: {{namespace: {NAMESPACE}, name: data-{name}-0}}
",
                path.display()
            )
        });
        file(place, "stand-ins", "volumes.yaml", &volumes.concat());
        let comma = if settings.is_empty() { "" } else { ", " };
        let dev = format!(
            "resources: [../../../k8s/overlays/dev]\n\
             components: [../stand-ins{comma}{settings}]\n"
        );
        overlay(place, images, "dev", &dev);
        let base = format!("resources: [../../../k8s/base]\ncomponents: [{settings}]\n");
        overlay(place, images, "base", &base);
    } else {
        // Through kubectl proxy the API is called by the name of the API server.
        let host = place.server.split_once("://").map_or(&*place.server, |(_, host)| host);
        let host = host.split([':', '/']).next().unwrap_or_default();
        for (name, path) in [("dev", "overlays/dev"), ("base", "base")] {
            let lines = format!(
                "resources: [../../../k8s/{path}]\n\
                 configMapGenerator:\n  \
                 - {{name: pedidos, behavior: merge, literals: [\"ALLOWED_HOSTS={host}\"]}}\n"
            );
            overlay(place, images, name, &lines);
        }
    }
    overlay(place, images, "hpa", AUTOSCALER);
    let tls = "resources: [../base]\ncomponents: [../../../k8s/components/tls]\n";
    overlay(place, images, "tls", tls);
    overlay(place, images, "prod", "resources: [../../../k8s/overlays/prod]\n");
}

/// A kustomization of this name, with these lines besides.
fn overlay(place: &Place, images: &Images, name: &str, lines: &str) {
    let image = |name: &str, image: &str| {
        let (new, tag) = image.rsplit_once(':').expect("an image has a tag");
        format!("  - {{name: {name}, newName: {new}, newTag: \"{tag}\"}}\n")
    };
    let text = format!(
        "namespace: {NAMESPACE}\nimages:\n{}{}{lines}",
        image("pedidos-api", &images.api),
        image("pedidos-worker", &images.worker)
    );
    file(place, name, "kustomization.yaml", &text);
}

fn file(place: &Place, folder: &str, name: &str, text: &str) {
    let folder = place.folder.join(folder);
    fs::create_dir_all(&folder).expect("a folder can be made");
    fs::write(folder.join(name), text).expect("a file can be written");
}
