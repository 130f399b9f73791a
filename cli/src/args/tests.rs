//! The command line as a whole, and what the documents say of it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use clap::{Command as Definition, CommandFactory};
use pedidos_core::role::Role;

use super::*;

const DOCUMENT: &str = include_str!("../../../docs/command_line.md");
const OPENAPI: &str = include_str!("../../../openapi/openapi.yaml");

/// A line for every command that does something, as it is typed.
const LINES: &[&str] = &[
    "generate",
    "import orders.csv",
    "imports",
    "imports start 0199-ab",
    "imports discard 0199-ab",
    "rejects 0199-ab",
    "export",
    "order 0199-ab",
    "status",
    "follow",
    "cancel",
    "reset",
    "delete-run 0199-ab",
    "runs",
    "change --pause-after 5",
    "pause",
    "resume",
    "limits",
    "queue",
    "jobs",
    "retry-failed",
    "clean failed",
    "fail 0199-ab",
    "close",
    "health",
    "ready",
    "metrics",
    "logs",
    "events",
    "audit-log",
    "whoami",
    "key new --name ci --role viewer --file f",
    "key store",
    "key list --file f",
    "key revoke --name ci --file f",
    "audit",
    "completions bash",
    "man",
];

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::parsed(line.split_whitespace())
}

/// Every command but `help`, by its words: `key new`.
fn commands() -> Vec<(String, Definition)> {
    fn add(found: &mut Vec<(String, Definition)>, before: &str, command: &Definition) {
        for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
            let words = format!("{before} {}", command.get_name()).trim().to_owned();
            add(found, &words, command);
            found.push((words, command.clone()));
        }
    }
    let mut definition = Cli::definition();
    definition.build();
    let mut found = Vec::new();
    add(&mut found, "", &definition);
    assert!(found.len() > 30, "{}", found.len());
    found
}

/// The cells of the rows below this heading of the document, without their backticks.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let text = DOCUMENT.split_once(heading).unwrap().1;
    let text = text.split_once("\n## ").map_or(text, |(text, _)| text);
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    let cells = |line: &str| {
        let cells = line.trim_matches('|').split(" | ");
        cells.map(|cell| cell.trim().replace('`', "")).collect()
    };
    rows.map(cells).collect()
}

#[test]
fn the_definition_is_sound_and_help_tells_the_exit_codes() {
    Cli::command().debug_assert();
    let mut command = Cli::definition();
    command.clone().debug_assert();
    let help = command.render_help().to_string();
    assert!(help.contains("PEDIDOS_URL") && help.contains("Exit codes:"), "{help}");
}

#[test]
fn every_command_tells_its_exit_codes_in_its_help() {
    for (words, mut command) in commands() {
        let codes = match words.split(' ').next().unwrap() {
            "key" | "completions" | "man" => "a file cannot be read or written",
            "audit" => "every check holds",
            "import" => "what is stored stays",
            "health" => "the API or Redis cannot be reached",
            _ => "a run continues",
        };
        for help in [command.render_help(), command.render_long_help()] {
            let help = help.to_string();
            let told = help.contains("Exit codes:\n  0    ") && help.contains(codes);
            assert!(told, "{words}: {help}");
        }
    }
}

#[test]
fn every_command_takes_json() {
    let mut parsed = BTreeSet::new();
    for line in LINES {
        for line in [format!("pedidos {line} --json"), format!("pedidos --json {line}")] {
            assert!(parse(&line).unwrap().json, "{line}");
        }
        assert!(!parse(&format!("pedidos {line}")).unwrap().json, "{line}");
        let words = line.split(' ').take_while(|word| !word.starts_with('-')).collect::<Vec<_>>();
        parsed.insert(words.join(" "));
    }
    for (words, command) in commands() {
        let has = command.get_arguments().any(|argument| argument.get_id() == "json");
        assert!(has, "{words} has no --json");
        // A command of commands does nothing alone.
        let is_alone = command.is_subcommand_required_set();
        let known =
            parsed.iter().any(|line| *line == words || line.starts_with(&format!("{words} ")));
        assert!(is_alone || known, "{words} is not in LINES");
    }
}

#[test]
fn the_document_has_every_command_and_no_other() {
    let written: BTreeSet<_> =
        rows("## Commands").into_iter().map(|row| row.first().unwrap().clone()).collect();
    let there: BTreeSet<_> = commands().into_iter().map(|(words, _)| words).collect();
    for words in &there {
        // That of the keys does nothing alone.
        let is_written = written.contains(words) || words == "key";
        assert!(is_written, "docs/command_line.md does not have {words}");
    }
    for words in &written {
        assert!(there.contains(words), "docs/command_line.md has {words}, which is no command");
    }
}

#[test]
fn every_operation_of_the_api_has_a_command_or_a_reason_to_have_none() {
    // Those of links are further to the right.
    let operations: BTreeSet<_> = OPENAPI
        .lines()
        .filter_map(|line| line.strip_prefix("      operationId: "))
        .map(|operation| operation.trim_matches('\'').to_owned())
        .collect();
    assert!(operations.len() > 30, "{operations:?}");
    let with: Vec<_> = rows("## Commands")
        .into_iter()
        .flat_map(|row| row[1].split(", ").map(str::to_owned).collect::<Vec<_>>())
        .filter(|operation| operation != "–")
        .collect();
    let without: Vec<_> =
        rows("## Operations without a command").into_iter().map(|row| row[0].clone()).collect();
    for operation in &operations {
        let is_there = with.contains(operation) || without.contains(operation);
        assert!(is_there, "docs/command_line.md does not have the operation {operation}");
    }
    for operation in with.iter().chain(&without) {
        assert!(operations.contains(operation), "{operation} is no operation of the API");
    }
    let both = with.iter().find(|operation| without.contains(operation));
    assert_eq!(both, None);
}

#[test]
fn the_document_has_every_exit_code() {
    let sets = exit_codes::OWN.iter().map(|(_, codes)| codes).chain([&exit_codes::GENERAL]);
    let rows = rows("## Exit codes");
    for (code, meaning) in sets.flat_map(|codes| codes.iter()) {
        let told = rows.iter().any(|row| row[0] == code.to_string() && row[1].contains(meaning));
        assert!(told, "docs/command_line.md does not have {code}: {meaning}");
    }
}

#[test]
fn flags_of_cancel_are_true_false_or_left_to_the_api() {
    let line = "pedidos cancel 0199-ab --purge=false --reset-logs --wait-timeout-ms 5";
    let Command::Call(Call::Cancel(cancel)) = parse(line).unwrap().command else { unreachable!() };
    assert_eq!(
        (cancel.purge, cancel.remove_pending, cancel.reset_logs),
        (Some(false), None, Some(true))
    );
    assert_eq!((cancel.wait_timeout_ms, cancel.poll_interval_ms), (Some(5), None));
    assert_eq!(cancel.run_id.as_deref(), Some("0199-ab"));
    assert!(parse("pedidos cancel --purge=maybe").is_err());
    assert!(parse("pedidos cancel ../reset").is_err());
}

#[test]
fn only_audit_takes_the_settings_and_hands_them_on() {
    for (line, expected) in [
        ("pedidos audit", &[][..]),
        ("pedidos audit --queue-name q", &["--queue-name", "q"]),
        ("pedidos audit --queue-name=q --log-dir -", &["--queue-name=q", "--log-dir", "-"]),
        ("pedidos --url http://a:1 audit --help", &["--help"]),
        ("pedidos audit --url http://a:1 -h", &["-h"]),
    ] {
        let Command::Audit { settings } = parse(line).unwrap().command else { unreachable!() };
        assert_eq!(settings, expected, "{line}");
    }
    assert!(parse("pedidos status --queue-name q").is_err());
}

#[test]
fn a_key_is_made_with_a_name_a_role_and_a_file_and_shown_nowhere() {
    let line = "pedidos key new --name ci --role operator --file f --expires 90d";
    let Command::Key(KeyCommand::New(new)) = parse(line).unwrap().command else { unreachable!() };
    assert_eq!((new.name.as_str(), new.role), ("ci", Role::Operator));
    assert!(new.expires.is_some());
    for line in [
        "pedidos key new --name ci --role root --file f",
        "pedidos key new --name a/b --role admin --file f",
        "pedidos key new --name ci --role admin --file f --expires 2020-01-01",
        "pedidos key new --name ci --file f",
        "pedidos key",
    ] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
    let cli = parse("pedidos status --key pedidos_hidden").unwrap();
    assert!(!format!("{cli:?}").contains("hidden"), "{cli:?}");
}

#[test]
fn the_url_may_stand_before_and_after_the_command() {
    let after = parse("pedidos status --url http://a:1/base").unwrap();
    assert_eq!(after.url.parse().unwrap().as_str(), "http://a:1/base");
    let before = parse("pedidos --url http://a:1 audit").unwrap();
    assert_eq!(before.url.parse().unwrap().port(), Some(1));
}

#[test]
fn lists_have_a_limit_of_their_own() {
    let limit = |line: &str| match parse(line).unwrap().command {
        Command::Call(Call::Runs(args)) => args.listed.limit,
        Command::Call(Call::Imports(args)) => args.listed.limit,
        Command::Call(Call::AuditLog(args)) => args.listed.limit,
        _ => unreachable!(),
    };
    let lines = ["pedidos runs", "pedidos imports", "pedidos audit-log"];
    assert_eq!(lines.map(limit), [20, 20, 50]);
    assert_eq!(limit("pedidos audit-log --limit 4 --outcome refused --from 2027-01-31"), 4);
}

#[test]
fn what_makes_no_sense_is_bad_usage() {
    for line in [
        "pedidos",
        "pedidos generate --quantity 1e6",
        "pedidos generate --quantity -5",
        "pedidos generate --quantity 1 --quantity 2",
        "pedidos runs ../reset",
        "pedidos runs 0199-ab --limit 5",
        "pedidos runs --limit 0",
        "pedidos audit-log --limit 0",
        "pedidos audit-log --outcome maybe",
        "pedidos clean",
        "pedidos clean everything",
        "pedidos clean failed --limit 0",
        "pedidos retry-failed --run a/b",
        "pedidos retry-failed --limit 0",
        "pedidos jobs done",
        "pedidos events --only noise",
        "pedidos completions powershell",
    ] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
}
