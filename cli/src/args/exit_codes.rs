//! The exit codes of each command: they are in its `--help`, in its manual page and in
//! `docs/command_line.md`.

use std::fmt::Write as _;

/// Each with what it means.
pub type ExitCodes = &'static [(u8, &'static str)];

pub const GENERAL: ExitCodes = &[
    (0, "success"),
    (1, "the operation failed, or the run did not end as DONE"),
    (2, "bad usage"),
    (3, "the API refused the request"),
    (4, "the API or a store cannot be reached"),
    (130, "interrupted (Ctrl-C, SIGTERM, SIGHUP); a run continues"),
];

const IMPORT: ExitCodes = &[
    (0, "the list is whole; with --start, the run is accepted; with --follow, it ended as DONE"),
    (1, "the list or the operation failed; with --dry-run, lines would be rejected"),
    (2, "bad usage"),
    (3, "the API refused the list, or refused to start it because lines are rejected"),
    (4, "the API or a store cannot be reached"),
    (130, "interrupted (Ctrl-C, SIGTERM, SIGHUP); what is stored stays"),
];

const HEALTH: ExitCodes = &[
    (0, "all is well, or a person paused the queue or cancelled the run"),
    (1, "something is wrong: dead letters, no worker, no progress, or the run is in ERROR"),
    (2, "bad usage"),
    (3, "the API refused the request"),
    (4, "the API or Redis cannot be reached"),
    (130, "interrupted (Ctrl-C, SIGTERM, SIGHUP)"),
];

/// Those of `pedidos-worker verify`.
const AUDIT: ExitCodes = &[
    (0, "every check holds"),
    (1, "a check does not hold, or the run cannot be checked"),
    (2, "bad usage"),
    (4, "a store cannot be reached"),
    (130, "interrupted (Ctrl-C, SIGTERM, SIGHUP)"),
];

/// Of commands that call nobody.
const LOCAL: ExitCodes =
    &[(0, "success"), (1, "a file cannot be read or written"), (2, "bad usage")];

/// The commands that have exit codes of their own.
pub const OWN: &[(&str, ExitCodes)] = &[
    ("import", IMPORT),
    ("health", HEALTH),
    ("audit", AUDIT),
    ("key", LOCAL),
    ("completions", LOCAL),
    ("man", LOCAL),
];

/// Those of a command. `outer`: those of the command that it belongs to.
pub fn of(command: &str, outer: ExitCodes) -> ExitCodes {
    OWN.iter().find(|(name, _)| *name == command).map_or(outer, |(_, codes)| codes)
}

/// As `--help` shows them.
pub fn text(codes: ExitCodes) -> String {
    let mut text = "Exit codes:".to_owned();
    for (code, meaning) in codes {
        // Writing to a string does not fail.
        let _written = write!(text, "\n  {code:<4} {meaning}");
    }
    text
}
