//! Makes a table of the dashboard's built files, to be compiled into the program. Without
//! them the table is empty: Rust alone builds everything else.

use std::{
    env,
    fmt::Write,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    // Asked for now, not when this was compiled: one target folder may serve two checkouts.
    let here = env::var_os("CARGO_MANIFEST_DIR")
        .ok_or_else(|| io::Error::other("cargo sets CARGO_MANIFEST_DIR"))?;
    println!("cargo::rerun-if-env-changed=CARGO_MANIFEST_DIR");
    let dashboard = Path::new(&here).join("../dashboard");
    let built = dashboard.join("dist");
    // A path that does not exist would be taken for changed every time.
    let watched = if built.exists() { &built } else { &dashboard };
    println!("cargo::rerun-if-changed={}", watched.display());

    let mut files = Vec::new();
    if built.exists() {
        collect(&built, &mut files)?;
    }
    files.sort();
    let mut table = String::from("&[\n");
    for file in files.iter().filter(|file| file.extension().is_none_or(|it| it != "gz")) {
        let name = file.strip_prefix(&built).map_err(io::Error::other)?;
        // As a text, to be quoted.
        let file = file.display().to_string();
        let zipped = format!("{file}.gz");
        let zipped = if Path::new(&zipped).exists() {
            format!("Some(include_bytes!({zipped:?}))")
        } else {
            "None".into()
        };
        let mut hash = DefaultHasher::new();
        fs::read(&file)?.hash(&mut hash);
        let _infallible = writeln!(
            table,
            "    File {{ path: {path:?}, bytes: include_bytes!({file:?}), zipped: {zipped}, \
             tag: \"\\\"{tag:016x}\\\"\" }},",
            path = format!("/{}", name.display()),
            tag = hash.finish(),
        );
    }
    table.push_str("]\n");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&out).join("dashboard_files.rs"), table)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
