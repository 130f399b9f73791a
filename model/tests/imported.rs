//! The run of an import, with Redis: its chunks read and never insert. As it is meant, and each
//! part of it broken on purpose.

#![allow(clippy::panic)]

use pedidos_model::{Broken, Command, Faults, Scenario, search};

const MOST: usize = 30_000_000;

#[track_caller]
fn clean(scenario: Scenario) {
    let report = search(&scenario, MOST);
    println!(
        "{:?}, {} orders, {} faults: {} states, {} steps, {:.1} s",
        scenario.commands,
        scenario.quantity,
        scenario.faults,
        report.states,
        report.steps,
        report.took.as_secs_f64()
    );
    if let Some((violation, way)) = report.violation {
        panic!("{:?}: {violation}:\n  {}", scenario.commands, way.join("\n  "));
    }
}

/// All kinds but two masters, which alone makes a search ten times as large.
const ONE_MASTER: Faults = Faults { split: false, ..Faults::ALL };

/// These commands in the run of an import. Somebody deletes an order of it.
fn of(commands: &[Command]) -> Scenario {
    Scenario::new().commands(commands).faults(1, ONE_MASTER).imported().gone()
}

#[test]
fn an_import_one_of_whose_orders_is_gone_ends_exact() {
    clean(of(&[]).faults(2, ONE_MASTER));
    clean(Scenario { vip: [false, true], ..of(&[]) });
}

#[test]
fn a_cancel_of_an_import_counts_every_order() {
    clean(of(&[Command::Cancel]).one_chunk());
}

#[test]
fn a_reset_leaves_nothing_of_an_import() {
    clean(of(&[Command::Reset]).one_chunk());
}

#[test]
fn a_retry_of_an_import_is_not_undone() {
    clean(of(&[Command::Retry]).failures(1, 1).one_chunk());
}

#[test]
fn an_order_above_what_was_accepted_is_never_counted() {
    for command in [Command::Retry, Command::Reset] {
        for vip in [[true, false], [false, true]] {
            clean(Scenario { vip, ..of(&[command]).failures(1, 1).stray() });
        }
    }
    clean(of(&[Command::Cancel]).stray());
}

#[test]
#[ignore = "minutes, 1 GiB"]
fn an_import_is_clean_with_two_faults() {
    for command in [Command::Retry, Command::Reset, Command::Clean] {
        clean(of(&[command]).failures(1, 1).one_chunk().faults(2, ONE_MASTER));
        clean(of(&[command]).failures(1, 1).stray().faults(2, ONE_MASTER));
    }
}

#[test]
#[ignore = "minutes, 1 GiB"]
fn two_commands_that_meet_in_an_import_are_clean() {
    for commands in [
        [Command::Cancel, Command::Reset],
        [Command::Retry, Command::Cancel],
        [Command::Retry, Command::Reset],
    ] {
        clean(of(&commands).failures(1, 1).one_chunk().faults(0, Faults::NONE));
    }
}

#[track_caller]
fn caught(broken: Broken, scenario: Scenario, expected: &str) {
    let report = search(&scenario.clone().broken(broken), MOST);
    let Some((violation, way)) = report.violation else { panic!("{broken:?} was not caught") };
    println!("{broken:?}: {violation}, {} states:\n  {}", report.states, way.join("\n  "));
    assert_eq!(violation, expected);
    assert_eq!(search(&scenario, MOST).violation, None, "the same search of what is meant");
}

const COUNTED: &str = "I3: Redis counts what MongoDB does not have";
const FIGURES: &str = "I3: the figures of the end are not those of MongoDB";
const EARLY: &str = "I1: NORMAL orders are claimable before every VIP order is terminal";
const MADE_UP: &str = "I11: an order that was gone is made up, and processed";

fn quiet(commands: &[Command]) -> Scenario {
    of(commands).faults(0, Faults::NONE)
}

#[test]
fn a_chunk_of_an_import_that_inserts_makes_an_order_up() {
    caught(Broken::ImportedChunkInserts, quiet(&[]), MADE_UP);
}

#[test]
fn a_letter_that_is_written_as_an_order_makes_it_up_for_a_retry() {
    caught(Broken::LetterMakesAnOrderUp, quiet(&[Command::Retry]), MADE_UP);
}

#[test]
fn a_chunk_that_reads_past_what_was_accepted_counts_a_stray() {
    let scenario = Scenario { vip: [true; 2], ..quiet(&[]).stray() };
    caught(Broken::ChunkReadsPastAccepted, scenario, COUNTED);
}

#[test]
fn a_cancel_that_reads_past_what_was_accepted_counts_a_stray() {
    caught(Broken::CancelReadsPastAccepted, quiet(&[Command::Cancel]).stray(), FIGURES);
}

#[test]
fn a_priority_taken_from_the_document_opens_the_fence_for_an_order_that_is_gone() {
    caught(Broken::PriorityOfTheDocument, quiet(&[]), EARLY);
}

#[test]
fn a_chunk_that_counts_documents_opens_the_fence_without_an_order_that_is_gone() {
    caught(Broken::ChunkCountsDocuments, quiet(&[]), EARLY);
}

#[test]
fn a_cancel_that_passes_what_is_gone_loses_it_from_the_ledger() {
    let lost = "I5: a run has ended without all of its orders";
    caught(Broken::CancelPassesWhatIsGone, quiet(&[Command::Cancel]), lost);
}

#[test]
fn a_cancel_of_an_import_that_deletes_loses_somebodys_orders() {
    let absent = "I6: an order was deleted without a reset";
    caught(Broken::CancelDeletes, quiet(&[Command::Cancel]), absent);
}
