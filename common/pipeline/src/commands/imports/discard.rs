//! Discard: takes an import back that is not started.

use pedidos_core::import::ImportState;

use super::{ImportError, Result};
use crate::{
    commands::controller::Controller,
    store::{ImportDocument, Moved, StoreError},
};

impl Controller {
    /// Answers how many orders were deleted. Repeating it deletes what is left.
    pub async fn discard_import(&self, import_id: &str) -> Result<u64> {
        loop {
            let import = self.store.import(import_id).await?.ok_or(ImportError::NotFound)?;
            match import.state {
                ImportState::Open | ImportState::Sealed => {
                    let now = self.store.now_ms().await?;
                    if !self.mark_discarded(&import, now).await? {
                        continue;
                    }
                }
                ImportState::Discarded => {}
                state => return Err(ImportError::State(state)),
            }
            return Ok(self.delete_orders_of(&import).await?);
        }
    }

    pub(super) async fn mark_discarded(
        &self,
        import: &ImportDocument,
        now: i64,
    ) -> std::result::Result<bool, StoreError> {
        let moved = Moved { sweep_until: now + Self::SWEEP_AFTER_MS, ..Moved::default() };
        self.store.move_import(import, ImportState::Discarded, moved).await
    }

    /// The orders first: as long as there is a block, there may be orders.
    pub(super) async fn delete_orders_of(
        &self,
        import: &ImportDocument,
    ) -> std::result::Result<u64, StoreError> {
        let mut deleted = 0;
        for ids in import.generator().id_pages(import.accepted as u32) {
            deleted += self.store.delete(&ids).await?;
        }
        // What was never accepted lies above.
        deleted += self.store.delete(&import.ids()).await?;
        self.store.delete_blocks(&import.import_id).await?;
        Ok(deleted)
    }
}
