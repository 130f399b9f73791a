//! The search: every state that can be reached, breadth first, so that the first thing
//! found wrong has the shortest way to it. Then, over the steps that happen by themselves:
//! can every state come to rest?

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasherDefault, Hash, Hasher},
    time::{Duration, Instant},
};

use crate::{
    environment::{is_settled, steps},
    invariants::{wrong, wrong_at_rest},
    scenario::Scenario,
    state::{Next, State},
};

/// What a search came to.
#[derive(Debug)]
pub struct Report {
    /// States seen.
    pub states: usize,
    /// Steps between them.
    pub steps: usize,
    /// How long it took.
    pub took: Duration,
    /// What is wrong, and the steps that lead there.
    pub wrong: Option<(&'static str, Vec<String>)>,
}

/// Gathers small values into words, then multiplies and folds: states are many and small.
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
    // Discriminants and lengths, all small.
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

/// A key that is a hash already.
#[derive(Default)]
struct Given(u64);

impl Hasher for Given {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
    fn write_u64(&mut self, i: u64) {
        self.0 = i;
    }
}

fn hash(state: &State) -> u64 {
    let mut mix = Mix::default();
    state.hash(&mut mix);
    mix.finish()
}

fn next_of(scenario: &Scenario, state: &State, next: &mut Next) {
    next.0.clear();
    steps(scenario, state, next);
}

/// Searches all of it, or `most` states of it.
#[must_use]
pub fn search(scenario: &Scenario, most: usize) -> Report {
    let began = Instant::now();
    let mut seen: HashMap<u64, u32, BuildHasherDefault<Given>> = HashMap::default();
    let mut known: Vec<(u64, u32)> = Vec::new();
    let mut edges = Edges::default();
    let mut at_rest: Vec<u32> = Vec::new();
    let mut queue = VecDeque::new();
    let mut count = 0;
    let first = State::first(scenario);
    seen.insert(hash(&first), 0);
    known.push((hash(&first), 0));
    queue.push_back(first);
    let mut next = Next::default();
    let mut found = None;
    let mut here = 0;
    while let Some(state) = queue.pop_front() {
        let mut bad = wrong(scenario, &state);
        if bad.is_none() && is_settled(scenario, &state) {
            at_rest.push(here);
            bad = wrong_at_rest(scenario, &state);
        }
        if let Some(bad) = bad {
            found = Some((bad, here));
            break;
        }
        if known.len() >= most {
            found = Some(("the search is not finished", here));
            break;
        }
        next_of(scenario, &state, &mut next);
        edges.first.push(edges.to.len() as u32);
        for step in &next.0 {
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
            .map(|state| ("I5: it cannot come to rest from here", state));
    }
    Report {
        states: known.len(),
        steps: count,
        took: began.elapsed(),
        wrong: found.map(|(bad, state)| (bad, trace(scenario, &known, state))),
    }
}

/// Steps that happen by themselves: those of a state stand together.
#[derive(Default)]
struct Edges {
    /// Where they lead.
    to: Vec<u32>,
    /// Where those of each state begin.
    first: Vec<u32>,
}

/// The first state from which none at rest can be reached.
fn stuck(states: usize, edges: &Edges, at_rest: Vec<u32>) -> Option<u32> {
    // The same steps by where they lead: counted, then sorted into place.
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

/// The steps that lead to a state: found again, for only hashes were kept. Workers may
/// change their names on the way, and steps that make no difference are left out.
fn trace(scenario: &Scenario, seen: &[(u64, u32)], state: u32) -> Vec<String> {
    let mut way = Vec::new();
    let mut last = state;
    while last > 0 {
        let (hash, from) = seen[last as usize];
        way.push(hash);
        last = from;
    }
    let mut here = State::first(scenario);
    let mut lines = Vec::new();
    let mut next = Next::default();
    while let Some(target) = way.pop() {
        next_of(scenario, &here, &mut next);
        let Some(step) = next.0.iter().find(|step| hash(&step.after) == target) else { break };
        lines.push(format!("{:?}: {}", step.who, step.what));
        here = step.after;
    }
    lines.push(format!("{:?}", here.store));
    lines.push(format!("{:?}", here.redis));
    lines
}
