//! Imports, searched: the protocol as it is meant, and each part of it broken on purpose.

#![allow(clippy::panic)]

use pedidos_model::{
    BrokenImport, ImportCommand,
    ImportCommand::{
        Cancel, Create, Delete, Discard, DiscardB, Other, Pause, Reset, Seal, Start, StartB,
    },
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

/// The first line, its ref again, and two more orders.
const SHIFTED: &[u8] = &[0, 3, 4, 5];

fn brief(commands: &[ImportCommand]) -> Imports {
    Imports::of(&[&[0]]).commands(commands)
}

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

#[test]
fn a_block_whose_ref_is_taken_is_done_again() {
    // The third line has the ref of the first one, so those after it move down.
    clean(Imports::of(&[SHIFTED]).faults(1, 1, 0));
    clean(Imports::of(&[SHIFTED, SHIFTED]).faults(1, 0, 0));
    clean(Imports::of(&[SHIFTED, &[0, 4]]));
}

#[test]
fn of_two_imports_one_runs_at_a_time() {
    clean(brief(&[Seal, Start, StartB, Discard]).second().faults(1, 0, 1));
    clean(brief(&[Seal, Start, StartB, DiscardB]).second().faults(1, 0, 1));
    clean(brief(&[Seal, Start, StartB, Cancel, Delete]).second().faults(0, 0, 1));
    clean(brief(&[Seal, Start, StartB, Reset]).second().faults(0, 0, 1));
}

#[test]
fn a_read_that_is_behind_changes_nothing() {
    clean(Imports::of(&[ORDERS, CHANGED]).stale());
    clean(Imports::of(&[ORDERS]).stale().faults(1, 1, 0));
    clean(brief(&[Seal, Start, Discard]).stale().faults(1, 1, 1));
    clean(brief(&[Seal, Start, Reset]).stale().faults(0, 0, 1));
}

#[test]
#[ignore = "minutes, 2 GiB"]
fn a_read_that_is_behind_changes_nothing_with_faults() {
    clean(Imports::of(&[ORDERS, ORDERS]).stale().faults(1, 1, 0));
    clean(Imports::of(&[ORDERS, CHANGED]).stale().faults(1, 0, 0));
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
    let imports = Imports::of(&[ORDERS, CHANGED]).faults(1, 0, 0);
    caught(BrokenImport::RefOfUncommitted, imports, OTHER_LINE);
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

#[test]
fn a_block_done_again_under_the_same_attempt_takes_an_order_for_another() {
    let imports = Imports::of(&[SHIFTED]);
    caught(BrokenImport::RedoneUnderTheSameAttempt, imports, OTHER_LINE);
}

const TWO_RUNS: &str = "two runs were active at once";

#[test]
fn a_sweep_that_does_not_look_for_an_active_run_replaces_it() {
    let imports = brief(&[Seal, Start, StartB]).second();
    caught(BrokenImport::SweepStartsBesideARun, imports, TWO_RUNS);
}

#[test]
fn a_busy_start_that_sets_the_import_back_lets_it_be_discarded_in_its_run() {
    let imports = brief(&[Seal, Start, StartB, Discard]).second();
    caught(BrokenImport::BusyStartSetsItBack, imports, GONE);
}

#[test]
fn a_sweep_that_looks_at_one_import_is_fooled_by_one_that_waits() {
    let imports = Imports::of(&[&[0], ORDERS]).commands(&[Seal]).second().faults(1, 0, 0);
    let stuck = "I5: no state at rest can be reached from here";
    caught(BrokenImport::SweepLooksAtOneImport, imports, stuck);
}

#[test]
fn a_discard_without_an_end_deletes_another_import() {
    let other = "I11: an order of another import was deleted";
    caught(BrokenImport::DiscardHasNoEnd, brief(&[Discard]).second(), other);
}

#[test]
fn a_start_that_trusts_a_read_that_is_behind_runs_what_is_deleted() {
    let imports = brief(&[Seal, Start, Start, Other, Delete]).stale();
    caught(BrokenImport::StartTrustsItsRead, imports, GONE);
}

#[test]
fn a_run_document_read_behind_lets_an_import_run_that_is_deleted() {
    let imports = brief(&[Seal, Start, Start, Other, Delete]).stale();
    caught(BrokenImport::RunDocumentReadBehind, imports, GONE);
}

#[test]
fn an_upload_that_trusts_a_read_that_is_behind_takes_an_order_that_was_committed() {
    let imports = Imports::of(&[ORDERS, CHANGED]).stale();
    caught(BrokenImport::RaiseTrustsItsRead, imports, OTHER_LINE);
}
