//! The sweep of imports: finishes starts and discards that a process left, discards open imports
//! that have expired, and deletes orders that were never accepted.

use pedidos_core::import::ImportState;

use super::{ImportError, Result, StartImport};
use crate::{
    commands::controller::Controller,
    store::{DateTime, ImportDocument},
};

impl Controller {
    /// `now`: ms since the epoch by Redis' clock.
    pub(in crate::commands) async fn sweep_imports(&self, now: i64) -> Result<()> {
        let mut imports = self.store.imports_to_sweep(now).await?;
        // The one that was created first is started first.
        imports.sort_by_key(|import| import.ids_ms);
        for import in imports {
            match self.sweep_import(&import, now).await {
                // Another process was faster, or another run has begun.
                Ok(()) | Err(ImportError::State(_) | ImportError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn sweep_import(&self, import: &ImportDocument, now: i64) -> Result<()> {
        let id = &import.import_id;
        let until = import.sweep_until.map_or(0, DateTime::timestamp_millis);
        let over = until < now;
        match import.state {
            ImportState::Open => {
                if self.mark_discarded(import, now).await? {
                    let orders = self.delete_orders_of(import).await?;
                    tracing::info!(import = %id, orders, "an open import has expired; discarded it");
                }
                return Ok(());
            }
            ImportState::Sealed => {}
            ImportState::Started => {
                if self.store.run_or_deleted(id).await?.is_none() {
                    let started = self.start_import(id, StartImport::default()).await?;
                    if started.waits_for.is_none() {
                        tracing::info!(import = %id, "finished the start of an import");
                    }
                    return Ok(());
                }
            }
            ImportState::Discarded | ImportState::Deleted => {
                self.delete_orders_of(import).await?;
                if over {
                    self.store.forget_import(id).await?;
                }
                return Ok(());
            }
        }
        let deleted = self.store.delete(&import.ids_never_accepted()).await?;
        if deleted > 0 {
            tracing::info!(import = %id, deleted, "deleted orders that an upload stored and never committed");
        }
        if over {
            self.store.import_is_swept(id).await?;
        }
        Ok(())
    }
}
