//! A dry run: reads a list, counts its orders and rejects, and keeps nothing.

use std::collections::HashSet;

use pedidos_core::{
    import::{BLOCK_LINES, MOST_REJECTS, REJECTS_SHOWN},
    list::{Record, Reject},
    order::Priority,
};

use super::{ImportError, Result, line::duplicate};

#[derive(Debug, Clone, Default)]
pub struct DryRun {
    pub lines: u64,
    pub vip: u64,
    pub normal: u64,
    pub rejected: u64,
    pub bytes: u64,
    pub first_rejects: Vec<Reject>,
    default_priority: Option<Priority>,
    max_orders: u32,
    /// Of the current block: refs that are given twice further apart are not seen.
    references: HashSet<String>,
}

impl DryRun {
    #[must_use]
    pub fn new(default_priority: Option<Priority>, max_orders: u32) -> Self {
        Self { default_priority, max_orders, ..Self::default() }
    }

    pub fn take(&mut self, record: &Record) -> Result<()> {
        if self.lines.is_multiple_of(u64::from(BLOCK_LINES)) {
            self.references.clear();
        }
        let order =
            record.parse(self.default_priority).and_then(|order| match order.reference.as_ref() {
                Some(reference) if !self.references.insert(reference.clone()) => {
                    Err(duplicate(record, reference))
                }
                _ => Ok(order),
            });
        match order.map(|order| order.priority) {
            Ok(_) if self.vip + self.normal >= u64::from(self.max_orders) => {
                return Err(ImportError::TooMany(self.max_orders));
            }
            Ok(Priority::Vip) => self.vip += 1,
            Ok(Priority::Normal) => self.normal += 1,
            Err(_) if self.rejected >= MOST_REJECTS => return Err(ImportError::TooManyRejects),
            Err(reject) => {
                self.rejected += 1;
                if self.first_rejects.len() < REJECTS_SHOWN {
                    self.first_rejects.push(reject);
                }
            }
        }
        self.lines += 1;
        self.bytes += record.size() as u64;
        Ok(())
    }
}
