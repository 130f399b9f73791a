//! Imports, searched: the protocol as it is meant, and each part of it broken on purpose.

#![allow(clippy::panic)]

use pedidos_model::{
    BrokenImport, ImportCommand,
    ImportCommand::{Cancel, Create, Delete, Discard, Other, Pause, Reset, Seal, Start},
    Imports, search,
};

const MOST: usize = 30_000_000;

#[track_caller]
fn clean(imports: Imports) {
    let report = search(&imports, MOST);
    println!(
        "{:?} {:?}: {} states, {} steps, {:.1} s",
        imports.lists,
        imports.commands,
        report.states,
        report.steps,
        report.took.as_secs_f64()
    );
    if let Some((violation, way)) = report.violation {
        panic!("{imports:?}: {violation}:\n  {}", way.join("\n  "));
    }
}

/// Two orders, a line that is none, and the ref of the first line again in the third place.
const LIST: &[u8] = &[0, 2, 3];
const ORDERS: &[u8] = &[0, 1];
/// As `ORDERS`, but for its first line.
const CHANGED: &[u8] = &[1, 0];

fn one(commands: &[ImportCommand]) -> Imports {
    Imports::of(&[ORDERS]).commands(commands)
}

fn two(commands: &[ImportCommand]) -> Imports {
    Imports::of(&[ORDERS, ORDERS]).commands(commands)
}

#[test]
fn two_uploads_of_one_list_lose_and_double_nothing() {
    clean(Imports::of(&[LIST, LIST]).faults(1, 1, 0));
}

#[test]
fn two_lists_of_one_import_do_not_mix() {
    clean(Imports::of(&[ORDERS, CHANGED]).faults(1, 1, 0));
    clean(Imports::of(&[&[0, 4], &[4, 5]]).faults(1, 1, 0));
}

#[test]
fn an_import_is_sealed_started_and_run_beside_uploads() {
    clean(two(&[Seal, Start, Start]).faults(1, 1, 1));
}

#[test]
fn a_start_and_a_discard_come_to_one_outcome() {
    clean(two(&[Seal, Start, Discard]).faults(1, 0, 1));
}

#[test]
fn a_run_of_an_import_is_cancelled() {
    clean(two(&[Seal, Start, Cancel]).faults(1, 0, 0).gone());
}

#[test]
fn a_run_of_an_import_is_deleted_and_not_started_again() {
    clean(one(&[Seal, Start, Other, Delete]).faults(1, 0, 1));
    clean(Imports::of(&[&[0]]).commands(&[Start, Start, Other, Delete]).faults(0, 0, 1));
}

#[test]
fn a_reset_forgets_imports_at_any_moment() {
    clean(two(&[Seal, Start, Reset]).faults(1, 0, 1));
}

#[test]
fn no_two_imports_have_the_same_ids() {
    clean(one(&[Create, Create, Pause, Reset]).faults(0, 0, 1));
}

/// The search of this variant finds that; the same search of the protocol as it is finds nothing.
#[track_caller]
fn caught(broken: BrokenImport, imports: Imports, expected: &str) {
    let report = search(&imports.clone().broken(broken), MOST);
    let Some((violation, way)) = report.violation else { panic!("{broken:?} was not caught") };
    println!("{broken:?}: {violation}, {} states:\n  {}", report.states, way.join("\n  "));
    assert_eq!(violation, expected);
    assert_eq!(search(&imports, MOST).violation, None, "the same search of what is meant");
}

const OTHER_LINE: &str = "I11: an order is not that of its line";
const MISCOUNTED: &str = "I11: a line was rejected that is an order, or the other way round";
const GONE: &str = "I11: the run of an import that is gone";
const LEDGER: &str = "I3: the ledger of the run is not what was accepted";

#[test]
fn a_delete_without_the_attempt_takes_an_order_that_was_committed() {
    let imports = Imports::of(&[ORDERS, CHANGED]).faults(1, 0, 0);
    caught(BrokenImport::DeleteWithoutAttempt, imports, OTHER_LINE);
}

#[test]
fn without_attempts_two_lists_mix() {
    caught(BrokenImport::NoAttempt, Imports::of(&[ORDERS, CHANGED]), OTHER_LINE);
}

#[test]
fn an_attempt_that_is_read_back_is_anothers() {
    let imports = Imports::of(&[ORDERS, CHANGED]).faults(0, 1, 0);
    caught(BrokenImport::AttemptReadBack, imports, OTHER_LINE);
}

#[test]
fn a_ref_check_that_counts_what_was_never_committed_rejects_an_order() {
    caught(BrokenImport::RefOfUncommitted, one(&[]).faults(1, 0, 0), MISCOUNTED);
}

#[test]
fn a_block_known_by_its_index_loses_the_rejects_of_the_one_before() {
    let block = "I11: the block of a committed line is not there";
    caught(BrokenImport::BlocksByIndex, Imports::of(&[&[2, 0]]), block);
}

#[test]
fn a_start_that_sets_control_first_runs_what_is_discarded() {
    let imports = one(&[Seal, Start, Discard]);
    caught(BrokenImport::StartSetsControlFirst, imports, GONE);
}

#[test]
fn a_start_that_reads_the_import_first_runs_what_is_deleted() {
    let imports = one(&[Seal, Start, Start, Other, Delete]);
    caught(BrokenImport::StartReadsImportFirst, imports, GONE);
}

#[test]
fn a_delete_that_takes_the_run_document_first_lets_it_start_again() {
    let imports = one(&[Seal, Start, Other, Delete]);
    caught(BrokenImport::DeleteTakesRunFirst, imports, GONE);
}

#[test]
fn a_chunk_that_reads_past_what_was_accepted_counts_a_stray() {
    let imports = Imports::of(&[&[0], ORDERS]).commands(&[Seal, Start]).faults(1, 0, 0);
    caught(BrokenImport::ChunkReadsPastAccepted, imports, LEDGER);
}

#[test]
fn a_cancel_that_reads_past_what_was_accepted_counts_a_stray() {
    let imports = Imports::of(&[&[0], ORDERS]).commands(&[Seal, Start, Cancel]);
    caught(BrokenImport::CancelReadsPastAccepted, imports, LEDGER);
}

#[test]
fn a_chunk_that_inserts_makes_an_order_up() {
    let imports = one(&[Seal, Start]).gone();
    caught(BrokenImport::ChunkInserts, imports, OTHER_LINE);
}

#[test]
fn create_that_compares_the_last_run_alone_gives_a_range_twice() {
    let ids = "I11: two imports have the same range of ids";
    caught(BrokenImport::CreateByLastRun, one(&[Create, Create, Pause]), ids);
}
