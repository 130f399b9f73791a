//! What the documents say, compared with what exists.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use pedidos_e2e::{Cluster, in_time, program};
use tokio::process::Command;

/// The lines of the README that a reader will paste.
fn examples() -> Vec<&'static str> {
    include_str!("../../README.md").lines().filter(|line| line.starts_with("curl ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_curl_line_of_the_readme_does_what_it_says() {
    let cluster = Cluster::start(1, &[]).await;
    let address = cluster.client().address().to_owned();
    let examples = examples();
    assert!(examples.len() > 10, "{examples:?}");
    for line in examples {
        // The port is this test's own, and a refusal ends the line.
        let command = format!(
            "curl() {{ command curl -sS --fail-with-body --noproxy '*' \"$@\"; }}; {}",
            line.replace("localhost:3000", &address)
        );
        let mut bash = Command::new("bash");
        bash.args(["-c", &command]).stdin(Stdio::null()).kill_on_drop(true);
        let output = in_time(line, bash.output()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\n{said}\n{complained}");
        assert!(serde_json::from_str::<serde_json::Value>(&said).is_ok(), "{line}\n{said}");
    }
    cluster.finish().await;
}

/// The line of the README that imports the list in `examples`, as it is typed.
#[tokio::test(flavor = "multi_thread")]
async fn the_import_of_the_readme_runs_990_of_the_1000_orders_of_the_example() {
    let lines: Vec<_> = include_str!("../../README.md")
        .lines()
        .filter_map(|line| line.strip_prefix("$ pedidos import "))
        .filter(|line| line.starts_with("examples/"))
        .collect();
    let [line] = lines[..] else { panic!("one line imports an example: {lines:?}") };
    // A comment is for people.
    let arguments = line.split('#').next().unwrap().split_whitespace();
    let cluster = Cluster::start(1, &[]).await;
    let url = format!("http://{}", cluster.client().address());
    let mut pedidos = Command::new(program("pedidos"));
    pedidos.arg("import").args(arguments).env_clear().env("PEDIDOS_URL", url);
    pedidos.current_dir(root()).stdin(Stdio::null()).kill_on_drop(true);
    let output = in_time(line, pedidos.output()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}\n{told}");
    // The id comes first, and then how the run ended.
    let id = said.lines().next().unwrap();
    let import = cluster.client().import(id).await;
    for (field, count) in [("lines", 1_000), ("accepted", 990), ("rejected", 10)] {
        assert_eq!(import[field], count, "{field}: {import:#}");
    }
    let done = cluster.ends_exact(id).await;
    assert_eq!(done.progress.processed_total, 990, "{:#}", done.json);
    cluster.finish().await;
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every document of the project: its path and its text.
fn documents() -> Vec<(PathBuf, String)> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let others = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "k8s/README.md"];
    let paths = docs.chain(others.map(|name| root().join(name)));
    paths.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The words in backticks.
fn quoted(document: &str) -> impl Iterator<Item = &str> {
    // Every second piece between backticks is quoted; a block of code is quoted whole.
    let words = document.split('`').skip(1).step_by(2).flat_map(str::split_whitespace);
    words.map(|word| word.trim_end_matches([',', ';', ':', '.', ')']))
}

#[test]
fn every_path_and_every_make_target_that_a_document_names_is_there() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let folders = [
        "api/",
        "common/",
        "worker/",
        "cli/",
        "e2e/",
        "model/",
        "scripts/",
        "k8s/",
        "docs/",
        "xtask/",
        "examples/",
    ];
    let (mut paths, mut targets) = (0, 0);
    for (path, document) in documents() {
        let name = path.display();
        for word in quoted(&document) {
            if folders.iter().any(|folder| word.starts_with(folder)) && !word.contains(['*', '$']) {
                assert!(root().join(word).exists(), "{name}: there is no {word}");
                paths += 1;
            }
        }
        for code in document.split('`').skip(1).step_by(2) {
            let Some(target) = code.strip_prefix("make ").and_then(|rest| rest.split(' ').next())
            else {
                continue;
            };
            let there = makefile.lines().any(|line| line.starts_with(&format!("{target}: ")));
            assert!(there, "{name}: there is no make {target}");
            targets += 1;
        }
    }
    assert!(paths > 20 && targets > 10, "{paths} paths and {targets} targets were found");
}

#[test]
fn every_file_that_a_document_links_to_or_shows_is_there() {
    let mut links = 0;
    for (path, document) in documents() {
        for opening in ["](", "src=\"", "srcset=\""] {
            for rest in document.split(opening).skip(1) {
                let target = rest.split([')', '"', '#']).next().unwrap();
                if target.is_empty() || target.contains("://") {
                    continue;
                }
                let file = path.parent().unwrap().join(target);
                assert!(file.exists(), "{}: there is no {target}", path.display());
                links += 1;
            }
        }
    }
    assert!(links > 20, "{links} links were found");
}

/// All source files below a folder.
fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

/// A test is named `file::test`, its file by its stem or its folder.
#[test]
fn every_test_that_a_document_names_is_there() {
    let mut files = Vec::new();
    for folder in ["api", "cli", "common", "e2e", "model", "worker"] {
        sources(&root().join(folder), &mut files);
    }
    let is_name = |text: &str| text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
    let mut tests = 0;
    for (path, document) in documents() {
        for word in quoted(&document) {
            let Some((file, test)) = word.split_once("::") else { continue };
            if !is_name(file) || !is_name(test) {
                continue;
            }
            let is_named = |path: &Path| {
                path.file_stem().is_some_and(|stem| stem == file)
                    || path.parent().is_some_and(|folder| folder.ends_with(file))
            };
            let function = format!("fn {test}(");
            let there = files.iter().any(|(path, text)| is_named(path) && text.contains(&function));
            assert!(there, "{}: there is no test {word}", path.display());
            tests += 1;
        }
    }
    assert!(tests > 40, "{tests} tests were found");
}
