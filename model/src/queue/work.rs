//! The scripts that close a lease with a result.

use super::{Outcome, Owner, RANGE, Redis, SAVE, order_slot};
use crate::{
    scenario::{Broken, ORDERS, Scenario},
    store::OrderState,
};

impl Redis {
    /// `push_chunk.lua`. Returns false if the lease is lost.
    pub fn push_chunk(
        &mut self,
        scenario: &Scenario,
        owner: Owner,
        chunk: usize,
        number: u8,
        found: [OrderState; ORDERS],
    ) -> bool {
        // A number that names the lease of another chunk is refused: the counts do not match.
        if self.lease(scenario, owner, chunk, number) != Some(chunk) {
            return false;
        }
        let past = (scenario.quantity..ORDERS).filter(|order| found[*order] != OrderState::Unread);
        for order in scenario.chunk(chunk).chain(past) {
            if found[order] == OrderState::Gone {
                // Only in broken variants.
                self.ledger[1].generated += u8::from(scenario.is(Broken::PriorityOfTheDocument));
                self.ledger[1].deferred += u8::from(scenario.is(Broken::PriorityOfTheDocument));
                continue;
            }
            let priority = usize::from(!scenario.vip[order]);
            self.ledger[priority].generated += 1;
            self.replay |= found[order] != OrderState::Todo;
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
        found: [OrderState; ORDERS],
    ) {
        if self.lease(scenario, owner, RANGE, number) != Some(RANGE) {
            return;
        }
        for order in (0..scenario.quantity).filter(|order| !scenario.vip[*order]) {
            self.ledger[1].deferred -= 1;
            self.push(scenario, order, found[order]);
        }
        self.range_done = true;
        self.close(RANGE);
        self.advance(scenario);
    }

    fn push(&mut self, scenario: &Scenario, order: usize, found: OrderState) {
        match found {
            // The range of a run that was not replayed is not read.
            OrderState::Unread | OrderState::Todo | OrderState::Gone => self.queue(order),
            OrderState::Processed => self.count(scenario, order, 0),
            OrderState::Dead => self.count(scenario, order, 1),
            OrderState::Removed => self.count(scenario, order, 2),
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
            // Without a token there is nothing to check, so it counts.
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
