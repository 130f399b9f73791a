//! Reads the orders of the run of an import, block by block: each block has the hash over its orders
//! as they were accepted, and says which of them are VIP.

use std::collections::{HashMap, HashSet};

use mongodb::bson::Document;
use pedidos_core::{
    control::RunSpec,
    order::{OrderId, Priority},
};

use super::{
    report::Check,
    tally::{Examples, Known, Tallies},
};
use crate::store::{BlockDocument, BlockHash, ImportDocument, Store, StoreError};

/// Blocks read at once.
const BLOCKS: i64 = 10;

/// What is read, with the checks that only an import has.
pub(super) async fn read(
    store: &Store,
    run: &RunSpec,
) -> Result<(Tallies, Vec<Check>), StoreError> {
    let Some(import) = store.import(&run.run_id).await? else {
        let figure = "no such import".to_owned();
        let missing = Check { name: "the import of the run is there", figure, ok: false };
        return Ok((Tallies::default(), vec![missing]));
    };
    let mut reading = Reading {
        store,
        run,
        apart: store.letters_kept_apart(&run.ids()).await?,
        tallies: Tallies::default(),
        line: 0,
        index: 0,
        vip: 0,
        rejected: 0,
        out_of_order: Examples::default(),
        changed: Examples::default(),
        uncompared: 0,
        blocks: 0,
    };
    while reading.line < import.lines {
        let blocks =
            store.blocks_from(&import.import_id, reading.line, import.lines, BLOCKS).await?;
        if blocks.is_empty() {
            reading.out_of_order.add(&format!("no block at line {}", reading.line));
            break;
        }
        for block in blocks {
            reading.block(&block).await?;
        }
    }
    Ok(reading.checks(&import))
}

struct Reading<'a> {
    store: &'a Store,
    run: &'a RunSpec,
    apart: HashSet<OrderId>,
    tallies: Tallies,
    /// The line and the index behind the last block.
    line: i64,
    index: i64,
    /// VIP orders, by the blocks, and lines that were rejected.
    vip: i64,
    rejected: i64,
    out_of_order: Examples,
    changed: Examples,
    /// Blocks of which an order was deleted: the hash needs all of them.
    uncompared: u64,
    blocks: u64,
}

impl Reading<'_> {
    async fn block(&mut self, block: &BlockDocument) -> Result<(), StoreError> {
        let rejected = block.rejects.len() as i64;
        if (block.line, block.first) != (self.line, self.index)
            || block.lines != block.count + rejected
        {
            self.out_of_order.add(&format!("block at line {}", block.line));
        }
        (self.line, self.index) = (block.line + block.lines, block.first + block.count);
        self.blocks += 1;
        self.rejected += rejected;
        let indexes = block.first as u32..(block.first + block.count) as u32;
        let (generator, bits) = (self.run.generator(), block.bits());
        let documents = self.store.documents(&generator.id_range(&indexes)).await?;
        let id_of = |order: &Document| order.get_str("_id").unwrap_or_default().to_owned();
        let mut stored: HashMap<String, Document> =
            documents.into_iter().map(|order| (id_of(&order), order)).collect();
        let mut hash = BlockHash::default();
        let mut whole = true;
        for index in indexes {
            let id = generator.id(index);
            let priority = if bits.has(index) { Priority::Vip } else { Priority::Normal };
            self.vip += i64::from(priority == Priority::Vip);
            let known = Known { id, priority, note: None };
            if let Some(order) = stored.remove(&id.to_string()) {
                hash.add_stored(&order)?;
                if order.get_str("priority").ok() != Some(priority.as_str()) {
                    self.tallies.altered.add(&id);
                }
                self.tallies.count(known, &order, self.run, &self.apart);
            } else {
                whole = false;
                self.tallies.without_document(known, true, &self.apart);
            }
        }
        for id in stored.keys() {
            self.tallies.surplus.add(id);
        }
        if !whole {
            self.uncompared += 1;
        } else if hash.hex() != block.sha256 {
            self.changed.add(&format!("block at line {}", block.line));
        }
        Ok(())
    }

    fn checks(self, import: &ImportDocument) -> (Tallies, Vec<Check>) {
        let counted = (self.line, self.index, self.rejected, self.vip);
        let said = (import.lines, import.accepted, import.rejected, import.vip);
        let mut changed = self.changed.check("blocks whose orders differ from what was accepted");
        if self.uncompared > 0 {
            let (figure, lost, all) = (changed.figure, self.uncompared, self.blocks);
            changed.figure = format!("{figure}, {lost} of {all} not compared: orders are missing");
        }
        let checks = vec![
            Check {
                name: "the blocks have every line of the import, and every order of the run",
                figure: format!(
                    "{} lines, {} orders ({} VIP), {} rejects",
                    self.line, self.index, self.vip, self.rejected
                ),
                ok: counted == said && self.index == self.run.quantity,
            },
            self.out_of_order.check("blocks that do not follow on each other"),
            changed,
        ];
        (self.tallies, checks)
    }
}
