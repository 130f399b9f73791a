//! The upload of a list: what is there is skipped, then block by block.

use super::{
    BrokenImport, ImportActor, Imports, LENGTH, LINES, Next,
    state::{Behind, Block, Committed, Order, Phase, Stage, State, Status, Uploader},
    take,
};

/// Is this committed line an order? Not if it is none, or has the ref of one before it.
pub fn accepts(chain: [Committed; LENGTH], line: Committed, at: usize) -> bool {
    let of = |line: Committed| LINES[usize::from(line.number - 1)];
    let taken = |before: usize| {
        accepts(chain, chain[before], before) && of(chain[before]).reference == of(line).reference
    };
    of(line).valid && (of(line).reference == 0 || !(0..at).any(taken))
}

/// What an uploader may do next.
pub fn steps(system: &Imports, state: &State, me: usize, next: &mut Next) {
    let uploader = state.uploaders[me];
    if uploader.is_over() {
        return;
    }
    let actor = ImportActor::Uploader(me);
    if state.crashes > 0 && uploader.phase != Phase::Compare {
        take(next, (ImportActor::Fault, false), state, |after| {
            after.crashes -= 1;
            after.uploaders[me] = Uploader::default();
            "an uploader dies, and its client sends the list again"
        });
    }
    let list = system.lists[me];
    let mut go = |change: &dyn Fn(&mut State, &mut Uploader) -> &'static str| {
        take(next, (actor, true), state, |after| {
            let mut uploader = after.uploaders[me];
            let what = change(after, &mut uploader);
            after.uploaders[me] = uploader;
            what
        });
    };
    match uploader.phase {
        Phase::Compare => {
            for seen in state.answers().take(if uploader.again { 1 } else { 2 }) {
                go(&|after, mine| compare(after, &seen, mine, list));
            }
        }
        Phase::Raise => {
            go(&|after, mine| raise(system, after, mine, false));
            if state.lost_answers > 0 && !system.is(BrokenImport::NoAttempt) {
                go(&|after, mine| raise(system, after, mine, true));
            }
        }
        Phase::ReadBack => go(&|after, mine| {
            mine.attempt = after.import.attempt;
            mine.phase = Phase::Check;
            "reads its attempt back"
        }),
        Phase::RaiseAgain => {
            go(&|after, mine| raise_again(system, after, mine, false));
            if state.lost_answers > 0 {
                go(&|after, mine| raise_again(system, after, mine, true));
            }
        }
        Phase::Check if uploader.count == 0 => {
            for count in 1..=2.min(list.len() as u8 - uploader.lines) {
                go(&|_, mine| {
                    (mine.count, mine.checks, mine.collided) = (count, false, false);
                    (mine.rejects, mine.phase) = ([false; 2], Phase::Insert);
                    for at in 0..count {
                        mine.rejects[usize::from(at)] = rejects_by_itself(mine, list, at);
                    }
                    "reads a block"
                });
            }
        }
        Phase::Check => go(&|after, mine| check(system, after, mine, list)),
        Phase::DeleteOfRef(index) => go(&|after, mine| {
            delete(system, after, mine.attempt, usize::from(index));
            mine.phase = Phase::Check;
            "deletes an order of a lower attempt that has the ref"
        }),
        Phase::Insert => go(&|after, mine| insert(after, mine, list)),
        Phase::DeleteInPlace => go(&|after, mine| {
            delete(system, after, mine.attempt, mine.index());
            mine.phase = Phase::Insert;
            "deletes an order of a lower attempt in its place"
        }),
        Phase::Document => go(&|after, mine| document(system, after, mine, list)),
        Phase::Commit => {
            go(&|after, mine| {
                let committed = commit(system, after, mine, list);
                follow(mine, list, committed);
                if committed { "commits the block" } else { "cannot commit" }
            });
            if state.lost_answers > 0 {
                for arrives in [true, false] {
                    go(&|after, mine| {
                        after.lost_answers -= 1;
                        if arrives {
                            commit(system, after, mine, list);
                        }
                        mine.phase = Phase::Confirm;
                        "commits, and the answer is lost"
                    });
                }
            }
        }
        Phase::Confirm => {
            for seen in state.answers().take(if uploader.again { 1 } else { 2 }) {
                go(&|_, mine| confirm(system, &seen, mine, list));
            }
        }
        Phase::Whole | Phase::Stopped => {}
    }
}

fn compare(after: &State, seen: &Behind, mine: &mut Uploader, list: &[u8]) -> &'static str {
    let import = &seen.import;
    mine.stale |= seen.old;
    let lines = usize::from(import.lines);
    let same = lines <= list.len()
        && import.chain[..lines].iter().zip(list).all(|(line, sent)| line.number == sent + 1);
    if import.stage != Stage::Open || after.is_reset() || !same {
        refuse(mine);
        return "is refused: another list, or the import is not open";
    }
    (mine.lines, mine.accepted) = (import.lines, import.accepted);
    mine.phase = if lines == list.len() { Phase::Whole } else { Phase::Raise };
    "compares what is there"
}

fn raise(system: &Imports, after: &mut State, mine: &mut Uploader, lost: bool) -> &'static str {
    let trusts = system.is(BrokenImport::RaiseTrustsItsRead);
    if !trusts && (after.import.stage != Stage::Open || after.import.lines != mine.lines) {
        refuse(mine);
        return "is refused: somebody else writes";
    }
    if !system.is(BrokenImport::NoAttempt) {
        after.import.attempt += 1;
    }
    if lost {
        after.lost_answers -= 1;
        if system.is(BrokenImport::AttemptReadBack) {
            mine.phase = Phase::ReadBack;
        }
        return "raises the attempt, and the answer is lost";
    }
    mine.attempt = after.import.attempt;
    mine.phase = Phase::Check;
    "raises the attempt"
}

fn line_of(mine: &Uploader, list: &[u8], at: u8) -> u8 {
    list[usize::from(mine.lines + at)]
}

/// Is the line of the block no order, or has it the ref of an order of this block before it?
fn rejects_by_itself(mine: &Uploader, list: &[u8], at: u8) -> bool {
    let line = LINES[usize::from(line_of(mine, list, at))];
    let has_it = |before: u8| {
        let other = LINES[usize::from(line_of(mine, list, before))];
        !mine.rejects[usize::from(before)] && other.reference == line.reference
    };
    !line.valid || line.reference != 0 && (0..at).any(has_it)
}

/// It is refused. A client that was refused because of a read that was behind sends again.
fn refuse(mine: &mut Uploader) {
    let stopped = Uploader { phase: Phase::Stopped, ..*mine };
    let again = Uploader { again: true, ..Uploader::default() };
    *mine = if mine.stale { again } else { stopped };
}

/// Before a block is done again with the check: its orders get a lower attempt, so that none is
/// taken for another one whose index they have.
fn raise_again(
    system: &Imports,
    after: &mut State,
    mine: &mut Uploader,
    lost: bool,
) -> &'static str {
    let import = &mut after.import;
    let same = import.attempt == mine.attempt && import.lines == mine.lines;
    if !same || import.stage != Stage::Open {
        refuse(mine);
        return "is refused: somebody else writes";
    }
    if !system.is(BrokenImport::RedoneUnderTheSameAttempt) {
        import.attempt += 1;
    }
    if lost {
        after.lost_answers -= 1;
        *mine = Uploader::default();
        return "raises the attempt for a block, the answer is lost, and its client sends again";
    }
    mine.attempt = import.attempt;
    (mine.phase, mine.at, mine.rejects) = (Phase::Check, 0, [false; 2]);
    (mine.checks, mine.collided) = (true, false);
    "raises the attempt, to do the block again with the check"
}

fn check(system: &Imports, after: &State, mine: &mut Uploader, list: &[u8]) -> &'static str {
    let number = line_of(mine, list, mine.at);
    let line = LINES[usize::from(number)];
    let found = after.of_ref(line.reference);
    let taken = found.is_some_and(|index| {
        let accepted = index < usize::from(mine.accepted);
        accepted || system.is(BrokenImport::RefOfUncommitted)
    });
    if taken || rejects_by_itself(mine, list, mine.at) {
        mine.rejects[usize::from(mine.at)] = true;
        return advance(mine, "rejects a line");
    }
    if let Some(index) = found {
        let attempt = after.orders[index].attempt;
        if attempt < mine.attempt {
            mine.phase = Phase::DeleteOfRef(index as u8);
            return "finds an order of a lower attempt that has the ref";
        }
        if attempt > mine.attempt {
            mine.phase = Phase::Stopped;
            return "is refused: an order of a higher attempt has the ref";
        }
    }
    advance(mine, "finds the ref free")
}

/// To the next line of the block that is checked; then the orders are inserted.
fn advance(mine: &mut Uploader, what: &'static str) -> &'static str {
    mine.at += 1;
    if mine.at == mine.count {
        mine.at = 0;
        mine.phase = Phase::Insert;
    }
    what
}

/// A delete always names the attempts that it may delete.
fn delete(system: &Imports, after: &mut State, mine: u8, index: usize) {
    let order = &mut after.orders[index];
    if order.attempt < mine || system.is(BrokenImport::DeleteWithoutAttempt) {
        *order = Order::default();
    }
}

fn insert(after: &mut State, mine: &mut Uploader, list: &[u8]) -> &'static str {
    let what = if mine.rejects[usize::from(mine.at)] {
        "passes a reject"
    } else {
        let (number, index) = (line_of(mine, list, mine.at), mine.index());
        let there = after.orders[index];
        if there.is_absent() {
            let other = after.of_ref(LINES[usize::from(number)].reference);
            if other.is_some() && !mine.checks {
                mine.collided = true;
                return to_next(mine, "finds the ref taken");
            }
            if other.is_some() {
                (mine.phase, mine.at, mine.rejects) = (Phase::Check, 0, [false; 2]);
                return "finds the ref taken, and checks again";
            }
            after.orders[index] =
                Order { line: number + 1, attempt: mine.attempt, status: Status::Pending };
            "inserts an order"
        } else if there.attempt < mine.attempt {
            mine.phase = Phase::DeleteInPlace;
            return "finds an order of a lower attempt in its place";
        } else if there.attempt > mine.attempt {
            mine.phase = Phase::Stopped;
            return "is refused: an order of a higher attempt is in its place";
        } else {
            "finds its own order"
        }
    };
    to_next(mine, what)
}

/// To the next line of the block that is inserted; then its document is written.
fn to_next(mine: &mut Uploader, what: &'static str) -> &'static str {
    mine.at += 1;
    if mine.at == mine.count {
        mine.phase = if mine.collided { Phase::RaiseAgain } else { Phase::Document };
    }
    what
}

fn document(system: &Imports, after: &mut State, mine: &mut Uploader, list: &[u8]) -> &'static str {
    let by_index = system.is(BrokenImport::BlocksByIndex);
    let key = if by_index { mine.accepted } else { mine.lines };
    let block = &mut after.blocks[usize::from(key)];
    if block.count > 0 && block.attempt > mine.attempt {
        mine.phase = Phase::Stopped;
        return "is refused: the block is of a higher attempt";
    }
    let mut numbers = [0; 2];
    for at in 0..mine.count {
        numbers[usize::from(at)] = line_of(mine, list, at) + 1;
    }
    let (attempt, first_line, count) = (mine.attempt, mine.lines, mine.count);
    *block = Block { attempt, first_line, count, numbers };
    mine.phase = Phase::Commit;
    "writes the document of the block"
}

/// One compare-and-set. Answers whether the block exists from now on.
fn commit(system: &Imports, after: &mut State, mine: &Uploader, list: &[u8]) -> bool {
    let import = &mut after.import;
    let same = import.attempt == mine.attempt || system.is(BrokenImport::NoAttempt);
    if import.stage != Stage::Open || !same || import.lines != mine.lines {
        return false;
    }
    for at in 0..mine.count {
        let line = mine.lines + at;
        let number = line_of(mine, list, at) + 1;
        import.chain[usize::from(line)] = Committed { number, at: line };
    }
    let rejects = mine.rejects[..usize::from(mine.count)].iter().filter(|reject| **reject).count();
    import.lines += mine.count;
    import.accepted += mine.count - rejects as u8;
    true
}

/// Goes on after a commit.
fn follow(mine: &mut Uploader, list: &[u8], committed: bool) {
    if !committed {
        refuse(mine);
        return;
    }
    let rejects = mine.rejects[..usize::from(mine.count)].iter().filter(|reject| **reject).count();
    mine.lines += mine.count;
    mine.accepted += mine.count - rejects as u8;
    (mine.count, mine.at, mine.rejects) = (0, 0, [false; 2]);
    (mine.checks, mine.collided) = (false, false);
    let whole = usize::from(mine.lines) == list.len();
    mine.phase = if whole { Phase::Whole } else { Phase::Check };
}

fn confirm(system: &Imports, seen: &Behind, mine: &mut Uploader, list: &[u8]) -> &'static str {
    let import = &seen.import;
    mine.stale |= seen.old;
    let own = import.attempt == mine.attempt || system.is(BrokenImport::NoAttempt);
    if own && import.lines == mine.lines + mine.count {
        follow(mine, list, true);
        return "finds its block committed";
    }
    if own && import.lines == mine.lines && import.stage == Stage::Open {
        mine.phase = Phase::Commit;
        return "finds its block not committed";
    }
    refuse(mine);
    "is refused: somebody else has gone on"
}
