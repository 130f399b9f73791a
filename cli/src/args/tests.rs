//! What the command line takes, and what it does not.

#![allow(clippy::unwrap_used)]
use clap::CommandFactory;
use pedidos_core::role::Role;

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_definition_is_sound_and_help_tells_the_exit_codes() {
    let mut command = Cli::command();
    command.clone().debug_assert();
    let help = command.render_help().to_string();
    assert!(help.contains("PEDIDOS_URL") && help.contains("Exit codes:"), "{help}");
}

#[test]
fn flags_of_cancel_are_true_false_or_left_to_the_api() {
    let line = "pedidos cancel 0199-ab --purge=false --reset-logs --wait-timeout-ms 5";
    let Command::Call(Call::Cancel(cancel)) = parse(line).unwrap().command else { unreachable!() };
    assert_eq!(
        (cancel.purge, cancel.remove_pending, cancel.reset_logs),
        (Some(false), None, Some(true))
    );
    assert_eq!((cancel.wait_timeout_ms, cancel.run_id.as_deref()), (Some(5), Some("0199-ab")));
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
        "pedidos audit-log --limit 0",
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
fn what_makes_no_sense_is_bad_usage() {
    for line in [
        "pedidos",
        "pedidos generate --quantity 1e6",
        "pedidos generate --quantity -5",
        "pedidos generate --quantity 1 --quantity 2",
    ] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
}
