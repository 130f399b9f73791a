//! The search. It visits every reachable state breadth first, so the first error that it finds
//! has the shortest trace. Then it checks that steps that happen by themselves lead from every
//! state to one at rest.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Debug,
    hash::{BuildHasherDefault, Hash, Hasher},
    time::{Duration, Instant},
};

/// A protocol to be searched, with its sizes and its faults.
pub trait System {
    /// The state of everything at one moment.
    type State: Hash;
    /// The process that takes a step.
    type Actor: Debug;

    /// The first state.
    fn first(&self) -> Self::State;
    /// Adds every step that may be taken from this state.
    fn steps(&self, state: &Self::State, next: &mut Vec<Step<Self::State, Self::Actor>>);
    /// The invariant that this state violates.
    fn violation(&self, state: &Self::State) -> Option<&'static str>;
    /// Is this state at rest? Everything that was begun has come to an end.
    fn is_settled(&self, state: &Self::State) -> bool;
    /// The invariant that this state at rest violates.
    fn violation_at_rest(&self, state: &Self::State) -> Option<&'static str>;
    /// The last lines of a trace: what the stores hold in this state.
    fn describe(&self, state: &Self::State) -> Vec<String>;
}

/// A step from one state to the next.
#[derive(Clone, Copy, Debug)]
pub struct Step<S, A> {
    /// Who takes it.
    pub actor: A,
    /// What it does.
    pub what: &'static str,
    /// It happens sooner or later by itself: it is no fault and no person's choice.
    pub progress: bool,
    /// The state that it leads to.
    pub after: S,
}

/// The result of a search.
#[derive(Debug)]
pub struct Report {
    /// States visited.
    pub states: usize,
    /// Steps between them.
    pub steps: usize,
    /// The duration of the search.
    pub took: Duration,
    /// The violated invariant, with the steps that lead to it.
    pub violation: Option<(&'static str, Vec<String>)>,
}

/// A hasher for many small values: gathers them into words, then multiplies and folds.
#[derive(Default)]
struct Mix {
    hash: u64,
    word: u64,
    bytes: u32,
}

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        let mut last = Self { hash: self.hash, word: 0, bytes: 0 };
        last.write_u64(self.word ^ u64::from(self.bytes) << 60);
        last.hash
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u8(*byte);
        }
    }
    fn write_u8(&mut self, i: u8) {
        self.word = self.word << 8 | u64::from(i);
        self.bytes += 1;
        if self.bytes == 8 {
            let word = std::mem::take(&mut self.word);
            self.bytes = 0;
            self.write_u64(word);
        }
    }
    // Discriminants and lengths, which are all small.
    fn write_usize(&mut self, i: usize) {
        self.write_u8(i as u8);
    }
    fn write_isize(&mut self, i: isize) {
        self.write_u8(i as u8);
    }
    fn write_u64(&mut self, i: u64) {
        let (a, b) = (self.hash ^ 0x2d35_8dcc_aa6c_78a5, i ^ 0x8bb8_4b93_962e_acc9);
        let product = u128::from(a).wrapping_mul(u128::from(b));
        self.hash = (product as u64) ^ (product >> 64) as u64 ^ a.rotate_left(31);
    }
}

/// A hasher for keys that are hashes already.
#[derive(Default)]
struct Prehashed(u64);

impl Hasher for Prehashed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
    fn write_u64(&mut self, i: u64) {
        self.0 = i;
    }
}

fn hash(state: &impl Hash) -> u64 {
    let mut mix = Mix::default();
    state.hash(&mut mix);
    mix.finish()
}

/// Searches all states, but at most `most` of them.
#[must_use]
pub fn search<S: System>(system: &S, most: usize) -> Report {
    let began = Instant::now();
    let mut seen: HashMap<u64, u32, BuildHasherDefault<Prehashed>> = HashMap::default();
    let mut known: Vec<(u64, u32)> = Vec::new();
    let mut edges = Edges::default();
    let mut at_rest: Vec<u32> = Vec::new();
    let mut queue = VecDeque::new();
    let mut count = 0;
    let first = system.first();
    seen.insert(hash(&first), 0);
    known.push((hash(&first), 0));
    queue.push_back(first);
    let mut next = Vec::new();
    let mut found = None;
    let mut here = 0;
    while let Some(state) = queue.pop_front() {
        let mut violated = system.violation(&state);
        if violated.is_none() && system.is_settled(&state) {
            at_rest.push(here);
            violated = system.violation_at_rest(&state);
        }
        if let Some(violated) = violated {
            found = Some((violated, here));
            break;
        }
        if known.len() >= most {
            found = Some(("the search stopped before its end", here));
            break;
        }
        next.clear();
        system.steps(&state, &mut next);
        edges.first.push(edges.to.len() as u32);
        for step in next.drain(..) {
            count += 1;
            let new = known.len() as u32;
            let key = hash(&step.after);
            let there = *seen.entry(key).or_insert(new);
            if there == new {
                known.push((key, here));
                queue.push_back(step.after);
            }
            if step.progress && there != here {
                edges.to.push(there);
            }
        }
        here += 1;
    }
    drop((queue, seen));
    if found.is_none() {
        found = stuck(known.len(), &edges, at_rest)
            .map(|state| ("I5: no state at rest can be reached from here", state));
    }
    Report {
        states: known.len(),
        steps: count,
        took: began.elapsed(),
        violation: found.map(|(violated, state)| (violated, trace(system, &known, state))),
    }
}

/// The steps that happen by themselves, grouped by the state that they start from.
#[derive(Default)]
struct Edges {
    /// The states that they lead to.
    to: Vec<u32>,
    /// Where the steps of each state begin.
    first: Vec<u32>,
}

/// The first state from which no state at rest can be reached.
fn stuck(states: usize, edges: &Edges, at_rest: Vec<u32>) -> Option<u32> {
    // Reverses the steps: counts them by target, then sorts them into place.
    let mut first = vec![0_u32; states + 1];
    for to in &edges.to {
        first[*to as usize + 1] += 1;
    }
    for i in 0..states {
        first[i + 1] += first[i];
    }
    let mut from = vec![0_u32; edges.to.len()];
    let mut free = first.clone();
    for (source, begin) in edges.first.iter().enumerate() {
        let end = edges.first.get(source + 1).map_or(edges.to.len(), |end| *end as usize);
        for to in &edges.to[*begin as usize..end] {
            from[free[*to as usize] as usize] = source as u32;
            free[*to as usize] += 1;
        }
    }
    let mut able = vec![false; states];
    let mut todo = at_rest;
    while let Some(state) = todo.pop() {
        if !std::mem::replace(&mut able[state as usize], true) {
            let [begin, end] = [first[state as usize], first[state as usize + 1]];
            todo.extend(&from[begin as usize..end as usize]);
        }
    }
    able.iter().position(|able| !able).map(|state| state as u32)
}

/// The steps that lead to a state. They are searched again, because only hashes are kept. The
/// names of workers may change on the way, and steps without effect are left out.
fn trace<S: System>(system: &S, seen: &[(u64, u32)], state: u32) -> Vec<String> {
    let mut way = Vec::new();
    let mut last = state;
    while last > 0 {
        let (hash, from) = seen[last as usize];
        way.push(hash);
        last = from;
    }
    let mut here = system.first();
    let mut lines = Vec::new();
    let mut next = Vec::new();
    while let Some(target) = way.pop() {
        next.clear();
        system.steps(&here, &mut next);
        let Some(step) = next.drain(..).find(|step| hash(&step.after) == target) else { break };
        lines.push(format!("{:?}: {}", step.actor, step.what));
        here = step.after;
    }
    lines.extend(system.describe(&here));
    lines
}
