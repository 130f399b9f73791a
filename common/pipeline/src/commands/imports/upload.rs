//! An upload: the whole list, each time. What is stored already is skipped, and compared by the
//! chain of hashes over all lines; only then does this upload begin to write.

use pedidos_core::{
    import::{BLOCK_BYTES, BLOCK_LINES, BLOCK_TIME, ImportState},
    list::{Chain, Record},
};
use tokio::time::Instant;

use super::{ImportError, Result, line::Line};
use crate::{commands::controller::Controller, store::ImportDocument};

/// One upload, from its first line to its last.
pub struct Upload {
    pub(super) controller: Controller,
    /// As this upload has read it or committed it last.
    pub(super) import: ImportDocument,
    pub(super) max_orders: u32,
    /// When its orders are created, ms since the epoch by Redis' clock.
    pub(super) created_at: i64,
    /// It has raised the attempt, and writes.
    writes: bool,
    /// Lines that were read.
    lines: i64,
    chain: Option<Chain>,
    pub(super) block: Vec<Line>,
    block_bytes: usize,
    /// When the block is stored at the latest.
    due: Option<Instant>,
    /// Refs are looked up before orders are inserted: one collided.
    pub(super) looks_up_refs: bool,
}

impl Controller {
    /// Begins an upload. Nothing is changed before the list goes beyond the lines that are stored.
    pub async fn upload(&self, import_id: &str, max_orders: u32) -> Result<Upload> {
        let (control, snapshot) = self.sync().await?;
        let import = self.store.import(import_id).await?.ok_or(ImportError::NotFound)?;
        if import.ids_ms < control.reset_below {
            return Err(ImportError::NotFound);
        }
        if import.state != ImportState::Open {
            return Err(ImportError::State(import.state));
        }
        Ok(Upload {
            controller: self.clone(),
            import,
            max_orders,
            created_at: snapshot.now_ms,
            writes: false,
            lines: 0,
            chain: None,
            block: Vec::new(),
            block_bytes: 0,
            due: None,
            looks_up_refs: false,
        })
    }
}

impl Upload {
    /// Takes the next line; stores the block once it is full. `start`: the chain before the first
    /// line of the list.
    pub async fn take(&mut self, record: Record, start: Chain) -> Result<()> {
        let mut chain = self.chain.unwrap_or(start);
        chain.next(&record);
        self.chain = Some(chain);
        self.lines += 1;
        if self.is_stored()? {
            return Ok(());
        }
        if !self.writes {
            self.begin_to_write().await?;
            if self.is_stored()? {
                return Ok(());
            }
        }
        let content = record.parse(self.import.default_priority);
        // A reject keeps the line, too, and what is no UTF-8 of it in three bytes.
        let kept = content.as_ref().err().map_or(0, |reject| reject.original.len());
        self.block_bytes += record.size() + kept;
        self.due.get_or_insert_with(|| Instant::now() + BLOCK_TIME);
        self.block.push(Line { record, content, chain });
        let full = self.block.len() >= BLOCK_LINES as usize || self.block_bytes >= BLOCK_BYTES;
        if full || self.due.is_some_and(|due| due <= Instant::now()) {
            self.store().await?;
        }
        Ok(())
    }

    /// When the lines that wait must be stored; none: there are none.
    #[must_use]
    pub const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Stores the lines that wait.
    pub async fn store(&mut self) -> Result<()> {
        (self.block_bytes, self.due) = (0, None);
        self.store_block().await
    }

    /// The list is over.
    pub async fn end(mut self) -> Result<ImportDocument> {
        self.store().await?;
        if self.lines < self.import.lines {
            return Err(ImportError::Changed(format!(
                "the list ends after {} lines, and the import has {}: send the whole list again, \
                 as it was, or create another import",
                self.lines, self.import.lines
            )));
        }
        Ok(self.import)
    }

    /// Is this line stored already? Fails if the lines so far are not those that are stored.
    fn is_stored(&self) -> Result<bool> {
        let hash = || self.chain.as_ref().map(Chain::hex);
        if self.lines == self.import.lines && hash().as_ref() != Some(&self.import.chain) {
            return Err(ImportError::Changed(format!(
                "the first {} lines are not those that the import has: send the list as it was, or \
                 create another import",
                self.lines
            )));
        }
        Ok(self.lines <= self.import.lines)
    }

    /// Raises the attempt. If another upload was faster meanwhile, what it has stored is read, and
    /// is to be skipped, too.
    async fn begin_to_write(&mut self) -> Result<()> {
        let store = &self.controller.store;
        if let Some(raised) = store.raise_attempt(&self.import).await? {
            (self.import, self.writes) = (raised, true);
            return Ok(());
        }
        let import = store.import(&self.import.import_id).await?.ok_or(ImportError::NotFound)?;
        match import.state {
            ImportState::Open if import.lines >= self.lines => {
                self.import = import;
                Ok(())
            }
            ImportState::Open => Err(ImportError::Superseded),
            state => Err(ImportError::State(state)),
        }
    }
}
