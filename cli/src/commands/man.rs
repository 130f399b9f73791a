//! `pedidos man`: the manual pages.

use std::{fs, io, path::Path};

use clap::{Command, CommandFactory};
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};
use serde_json::json;

use crate::{
    args::{
        Cli,
        exit_codes::{self, ExitCodes},
    },
    failure::{Failure, Result},
    output,
};

struct Page {
    /// `pedidos-key-new.1`
    file: String,
    text: String,
}

/// Without a folder the page of `pedidos` is printed, which names the others.
pub fn run(dir: Option<&Path>) -> Result<()> {
    let pages = pages()?;
    let Some(dir) = dir else {
        let main = pages.into_iter().find(|page| page.file == "pedidos.1");
        let Page { file, text } = main.ok_or_else(|| Failure::Failed("no page".to_owned()))?;
        if output::is_json() {
            return output::json(&json!({ "file": file, "text": text }).to_string());
        }
        return output::line(text.trim_end());
    };
    let failed = |path: &Path, error: &io::Error| {
        Failure::Failed(format!("cannot write {}: {error}", path.display()))
    };
    fs::create_dir_all(dir).map_err(|error| failed(dir, &error))?;
    for page in &pages {
        let path = dir.join(&page.file);
        fs::write(&path, &page.text).map_err(|error| failed(&path, &error))?;
    }
    if output::is_json() {
        let files: Vec<_> = pages.iter().map(|page| page.file.as_str()).collect();
        return output::json(&json!({ "dir": dir.to_string_lossy(), "files": files }).to_string());
    }
    output::line(&format!("{} manual pages are in {}", pages.len(), dir.display()))
}

/// One for each command. Their exit codes have a section of their own, not the place that `--help`
/// gives them.
fn pages() -> io::Result<Vec<Page>> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add(&mut pages, &command, exit_codes::GENERAL)?;
    Ok(pages)
}

fn add(pages: &mut Vec<Page>, command: &Command, outer: ExitCodes) -> io::Result<()> {
    let codes = exit_codes::of(command.get_name(), outer);
    let page = Man::new(command.clone());
    let mut text = Vec::new();
    page.render(&mut text)?;
    let mut exit_status = Roff::default();
    exit_status.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in codes {
        exit_status.control("TP", []);
        exit_status.text([bold(code.to_string())]);
        exit_status.text([roman(*meaning)]);
    }
    exit_status.to_writer(&mut text)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    pages.push(Page { file: page.get_filename(), text });
    command.get_subcommands().try_for_each(|command| add(pages, command, codes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_command_has_a_page_with_its_exit_codes() {
        let pages = pages().unwrap();
        let page = |file: &str| {
            let page = pages.iter().find(|page| page.file == file);
            page.map(|page| page.text.clone()).unwrap_or_default()
        };
        assert!(page("pedidos.1").contains("retry"), "{}", page("pedidos.1"));
        for command in Cli::definition().get_subcommands() {
            let name = command.get_name();
            let text = page(&format!("pedidos-{name}.1"));
            assert!(text.contains("EXIT STATUS") && text.contains("bad usage"), "{name}: {text}");
            for verb in command.get_subcommands().map(Command::get_name) {
                assert!(!page(&format!("pedidos-{name}-{verb}.1")).is_empty(), "{name} {verb}");
            }
        }
        assert!(page("pedidos-audit.1").contains("every check holds"));
        assert!(page("pedidos-key-new.1").contains("a file cannot be read or written"));
    }
}
