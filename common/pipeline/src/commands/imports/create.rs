//! Create: takes a range of ids, and makes an import that takes lines.

use std::time::Duration;

use pedidos_core::{
    control::{Control, RunOptions},
    import::ImportState,
    order::Priority,
};
use uuid::Uuid;

use super::Result;
use crate::{
    commands::controller::Controller,
    store::{DateTime, ImportDocument},
};

#[derive(Debug, Clone)]
pub struct CreateImport {
    pub name: Option<String>,
    /// Of lines that name neither priority nor tier; none: they are rejected.
    pub default_priority: Option<Priority>,
    /// A call that repeats it gets the same import.
    pub idempotency_key: Option<String>,
    /// An import that is still open after this time is discarded.
    pub lifetime: Duration,
}

#[derive(Debug, Clone)]
pub struct Created {
    pub import: ImportDocument,
    /// The key was used before: this is that import.
    pub repeated: bool,
}

impl Controller {
    pub async fn create_import(&self, wanted: &CreateImport) -> Result<Created> {
        self.store.ensure_import_indexes().await?;
        if let Some(key) = &wanted.idempotency_key
            && let Some(import) = self.store.import_of_key(key).await?
        {
            return Ok(Created { import, repeated: true });
        }
        let ids_ms = self.take_ids().await?;
        let import = ImportDocument {
            import_id: Uuid::new_v4().to_string(),
            name: wanted.name.clone(),
            state: ImportState::Open,
            ids_ms,
            attempt: 0,
            lines: 0,
            accepted: 0,
            rejected: 0,
            vip: 0,
            normal: 0,
            bytes: 0,
            chain: String::new(),
            default_priority: wanted.default_priority,
            idempotency_key: wanted.idempotency_key.clone(),
            first_rejects: Vec::new(),
            created_at: DateTime::from_millis(ids_ms),
            sealed_at: None,
            expires_at: DateTime::from_millis(ids_ms + wanted.lifetime.as_millis() as i64),
            sweep_until: None,
            options: RunOptions::default(),
        };
        Ok(match self.store.insert_import(&import).await? {
            Some(import) => Created { import, repeated: true },
            None => Created { import, repeated: false },
        })
    }

    /// Takes a base of ids that no run and no other import has: the compare-and-set raises
    /// control's version, and moves the time that the next one comes after. If the process dies
    /// now, the range stays empty.
    async fn take_ids(&self) -> Result<i64> {
        let mut ids_ms = 0;
        self.change(|control, now| {
            ids_ms = control.next_time(now);
            control.last_run_at = ids_ms;
            control.format = Control::SECOND_FORMAT;
            true
        })
        .await?;
        Ok(ids_ms)
    }
}
