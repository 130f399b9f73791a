//! The architecture that the crates show: core ← pipeline ← service ← programs, no circle between
//! the modules of a crate, and no long file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Folders whose files are the product's.
const PRODUCT: [&str; 7] = ["api", "worker", "common", "cli", "model", "e2e/src", "dashboard/src"];
/// Crates, by folder.
const CRATES: [&str; 9] = [
    "api",
    "api/types",
    "worker",
    "common/core",
    "common/pipeline",
    "common/service",
    "cli",
    "model",
    "e2e",
];
const MOST_LINES: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The packages that a package is built of, on this platform.
fn dependencies(package: &str) -> BTreeSet<String> {
    let tree = Command::new("cargo")
        .args(["tree", "--offline", "--locked", "--edges", "normal,build"])
        .args(["--prefix", "none", "--package", package])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8(tree.stdout).unwrap();
    let name = |line: &str| line.split_whitespace().next().map(str::to_owned);
    text.lines().filter_map(name).filter(|name| name != package).collect()
}

#[test]
fn each_crate_depends_on_those_below_it_alone() {
    for (package, forbidden) in [
        (
            "pedidos-core",
            ["pedidos-pipeline", "pedidos-service", "fred", "mongodb", "opentelemetry"],
        ),
        (
            "pedidos-pipeline",
            ["pedidos-service", "pedidos-api", "pedidos-worker", "poem", "opentelemetry"],
        ),
        ("pedidos", ["pedidos-pipeline", "pedidos-service", "fred", "mongodb", "opentelemetry"]),
    ] {
        let packages = dependencies(package);
        let found: Vec<_> = packages
            .iter()
            .filter(|package| forbidden.iter().any(|name| is_of(package, name)))
            .collect();
        assert!(found.is_empty(), "{package} depends on {found:?}");
    }
}

/// `opentelemetry` stands for its parts, too.
fn is_of(package: &str, name: &str) -> bool {
    package == name || (name == "opentelemetry" && package.starts_with(name))
}

/// Files below a folder that are written by hand, without tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() {
            if !["target", "node_modules", "dist", "tests"].contains(&&*name) {
                sources(&path, found);
            }
        } else if !name.contains(".test.")
            && !["tests.rs", "schema.d.ts"].contains(&&*name)
            && path.extension().is_some_and(|e| ["rs", "lua", "ts", "tsx"].iter().any(|x| e == *x))
        {
            found.push(path);
        }
    }
}

#[test]
fn no_file_of_the_product_is_long() {
    let mut files = Vec::new();
    for folder in PRODUCT {
        sources(&root().join(folder), &mut files);
    }
    assert!(files.len() > 200, "{files:?}");
    let long: Vec<_> = files
        .iter()
        .map(|file| (fs::read_to_string(file).unwrap().lines().count(), file))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .collect();
    assert!(long.is_empty(), "more than {MOST_LINES} lines: {long:#?}");
}

/// A module, by its path in the crate.
type Module = Vec<String>;

/// The modules of a crate, with their code. `main.rs` beside a `lib.rs` is another crate.
fn modules(krate: &Path) -> BTreeMap<Module, String> {
    let source = krate.join("src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    let has_library = source.join("lib.rs").exists();
    let mut modules = BTreeMap::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "rs")) {
        let path = file.strip_prefix(&source).unwrap().with_extension("");
        let mut module: Module =
            path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if module[0] == "bin" || (has_library && module == ["main"]) {
            continue;
        }
        if module == ["lib"] || module == ["main"] || module.last().is_some_and(|it| it == "mod") {
            module.pop();
        }
        modules.insert(module, code(&fs::read_to_string(file).unwrap()));
    }
    modules
}

/// Without comments, and without the tests at the end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// A path that a module uses, or hands on.
struct Use {
    is_public: bool,
    path: Vec<String>,
}

fn uses(code: &str) -> Vec<Use> {
    let mut found = Vec::new();
    for statement in code.split(';') {
        let Some((before, tree)) = statement.rsplit_once("use ") else { continue };
        let line = before.rsplit('\n').next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with("pub") {
            let mut paths = Vec::new();
            expand(&tree.split_whitespace().collect::<Vec<_>>().join(" "), &[], &mut paths);
            let is_public = line.starts_with("pub");
            found.extend(paths.into_iter().map(|path| Use { is_public, path }));
        }
    }
    found
}

/// `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(tree: &str, before: &[String], found: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let parts = path.split("::").filter(|part| !part.is_empty() && *part != "self");
        let mut path = before.to_vec();
        if before.is_empty() && tree.starts_with("self") {
            path.push("self".to_owned());
        }
        path.extend(parts.map(|part| part.trim().to_owned()));
        found.push(path);
        return;
    };
    let mut path = before.to_vec();
    path.extend(head.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned));
    let (mut depth, mut part) = (0, String::new());
    for letter in rest.trim_end().strip_suffix('}').unwrap_or(rest).chars().chain([',']) {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        if letter == ',' && depth == 0 {
            if !part.trim().is_empty() {
                expand(&part, &path, found);
            }
            part.clear();
        } else {
            part.push(letter);
        }
    }
}

/// Paths in code that are no `use`.
fn paths(code: &str) -> Vec<Vec<String>> {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    code.split(|c| !word(c))
        .filter(|path| path.starts_with("crate::") || path.starts_with("super::"))
        .map(|path| path.split("::").filter(|it| !it.is_empty()).map(str::to_owned).collect())
        .collect()
}

/// The module that a path of this module leads to, through what modules hand on.
fn target(modules: &BTreeMap<Module, String>, from: &Module, path: &[String]) -> Option<Module> {
    let mut module = from.clone();
    let mut parts = path.iter().peekable();
    match parts.peek()?.as_str() {
        "crate" => module.clear(),
        "self" | "super" => {}
        _ if modules.contains_key(&[module.clone(), vec![path[0].clone()]].concat()) => {}
        _ => return None,
    }
    while let Some(part) = parts.next_if(|part| ["crate", "self", "super"].contains(&part.as_str()))
    {
        if part == "super" {
            module.pop();
        }
    }
    for part in parts {
        module.push(part.clone());
        if modules.contains_key(&module) {
            continue;
        }
        module.pop();
        let handed_on = uses(modules.get(&module)?)
            .into_iter()
            .find(|it| it.is_public && it.path.len() > 1 && it.path.last() == Some(part));
        return match handed_on {
            Some(it) if it.path != path => target(modules, &module, &it.path).or(Some(module)),
            _ => Some(module),
        };
    }
    Some(module)
}

/// The modules that each module takes names from, without those inside it: a module and its parts
/// may name each other.
fn arrows(modules: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeSet<Module>> {
    let mut arrows = BTreeMap::new();
    for (module, code) in modules {
        // What a module only hands on, it does not need.
        let used = uses(code).into_iter().filter(|it| !it.is_public).map(|it| it.path);
        let needed = used.chain(paths(code)).filter_map(|path| target(modules, module, &path));
        let needed = needed.filter(|it| !it.starts_with(module) && modules.contains_key(it));
        arrows.insert(module.clone(), needed.collect::<BTreeSet<_>>());
    }
    arrows
}

/// A way from a module back to itself.
fn circle(arrows: &BTreeMap<Module, BTreeSet<Module>>) -> Option<Vec<Module>> {
    let mut done = BTreeSet::new();
    arrows.keys().find_map(|module| visit(arrows, &mut Vec::new(), &mut done, module))
}

fn visit(
    arrows: &BTreeMap<Module, BTreeSet<Module>>,
    way: &mut Vec<Module>,
    done: &mut BTreeSet<Module>,
    module: &Module,
) -> Option<Vec<Module>> {
    if let Some(at) = way.iter().position(|it| it == module) {
        return Some(way[at..].to_vec());
    }
    if done.contains(module) {
        return None;
    }
    way.push(module.clone());
    let found = arrows[module].iter().find_map(|next| visit(arrows, way, done, next));
    way.pop();
    done.insert(module.clone());
    found
}

#[test]
fn no_modules_of_a_crate_go_in_a_circle() {
    let mut circles = Vec::new();
    for krate in CRATES {
        let mut arrows = arrows(&modules(&root().join(krate)));
        while let Some(way) = circle(&arrows) {
            let names: Vec<String> =
                way.iter().map(|it| format!("crate::{}", it.join("::"))).collect();
            circles.push(format!("{krate}: {} -> {}", names.join(" -> "), names[0]));
            // Without one of its arrows, the next circle is found.
            if let Some(needed) = arrows.get_mut(&way[way.len() - 1]) {
                needed.remove(&way[0]);
            }
        }
    }
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_circle_is_found_through_what_a_module_hands_on() {
    let crate_of = |files: &[(&str, &str)]| {
        let modules = files.iter().map(|(module, text)| {
            let path = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned);
            (path.collect::<Module>(), code(text))
        });
        circle(&arrows(&modules.collect()))
    };
    let parent = "mod one;\nmod two;\npub use self::{one::One, two::{Two, Three}};\n";
    let two = ("a::two", "use super::One;\npub struct Two;\n");
    let tests = "#[cfg(test)]\nmod tests {\n    use super::super::Two;\n}\n";
    let one = format!("pub struct One;\n// super::Two\n{tests}");
    assert_eq!(crate_of(&[("", "mod a;"), ("a", parent), ("a::one", &one), two]), None);
    let one = "use crate::a::{Two as Other};\npub struct One;\n";
    assert!(crate_of(&[("", "mod a;"), ("a", parent), ("a::one", one), two]).is_some());
    let one = "pub struct One(super::two::Three);\n";
    assert!(crate_of(&[("", "mod a;"), ("a", parent), ("a::one", one), two]).is_some());
}
