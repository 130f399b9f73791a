//! The scripts that close a lease with what came of it.

use super::{Outcome, Owner, RANGE, Redis, SAVE, order_slot};
use crate::{
    scenario::{Broken, ORDERS, Scenario},
    store::Found,
};

impl Redis {
    /// `push_chunk.lua`. Answers false if it was stale.
    pub fn push_chunk(
        &mut self,
        scenario: &Scenario,
        owner: Owner,
        chunk: usize,
        number: u8,
        found: [Found; ORDERS],
    ) -> bool {
        // A number that names another's lease of another chunk is refused: it does not add up.
        if self.lease(scenario, owner, chunk, number) != Some(chunk) {
            return false;
        }
        for order in scenario.chunk(chunk) {
            let priority = usize::from(!scenario.vip[order]);
            self.ledger[priority].generated += 1;
            self.replay |= found[order] != Found::Todo;
            if scenario.vip[order] {
                self.push(scenario, order, found[order]);
            } else {
                self.ledger[1].deferred += 1;
            }
        }
        self.chunks_done += 1;
        self.close(chunk);
        self.advance(scenario);
        true
    }

    /// `push_normal.lua`.
    pub fn push_normal(
        &mut self,
        scenario: &Scenario,
        owner: Owner,
        number: u8,
        found: [Found; ORDERS],
    ) {
        if self.lease(scenario, owner, RANGE, number) != Some(RANGE) {
            return;
        }
        for order in (0..ORDERS).filter(|order| !scenario.vip[*order]) {
            self.ledger[1].deferred -= 1;
            self.push(scenario, order, found[order]);
        }
        self.range_done = true;
        self.close(RANGE);
        self.advance(scenario);
    }

    fn push(&mut self, scenario: &Scenario, order: usize, found: Found) {
        match found {
            // A range of a run that was not replayed is not read.
            Found::Unread | Found::Todo => self.queue(order),
            Found::Processed => self.count(scenario, order, 0),
            Found::Dead => self.count(scenario, order, 1),
            Found::Removed => self.count(scenario, order, 2),
        }
    }

    fn count(&mut self, scenario: &Scenario, order: usize, what: usize) {
        self.ledger[usize::from(!scenario.vip[order])].ended[what] += 1;
    }

    /// `ack.lua`.
    pub fn ack(
        &mut self,
        scenario: &Scenario,
        owner: Owner,
        order: usize,
        number: u8,
        outcome: Outcome,
    ) {
        let slot = order_slot(order);
        let found = self.lease(scenario, owner, slot, number);
        let mut acked = order;
        match found {
            Some(lease) if (order_slot(0)..SAVE).contains(&lease) => {
                acked = lease - order_slot(0);
                if acked != order && outcome != Outcome::Processed {
                    return; // what it names is no part of the batch
                }
                self.close(lease);
            }
            // Without a token there is nothing to look for: it counts.
            None if scenario.is(Broken::AckWithoutToken) => {}
            _ => return,
        }
        match outcome {
            Outcome::Processed => self.count(scenario, acked, 0),
            Outcome::Dead => self.count(scenario, acked, 1),
            Outcome::Removed => self.count(scenario, acked, 2),
            Outcome::Retry => {
                self.attempts[acked] += 1;
                self.delayed[acked] = true;
            }
        }
        self.advance(scenario);
    }
}
