//! Start: seals an import, and makes it a run.
//!
//! The import becomes `started` first, and then control names the run. If the process dies in
//! between, or another run is active, whoever finds a started import without a run document
//! finishes the start once no run is active.

use pedidos_core::{
    control::{Control, RunOptions, RunSpec},
    import::ImportState,
};

use super::{ImportError, Result};
use crate::{
    commands::{controller::Controller, error::CommandError},
    store::{ImportDocument, Moved},
};

#[derive(Debug, Clone, Default)]
pub struct StartImport {
    /// Start it also if lines are rejected.
    pub skip_rejects: bool,
    /// The lines that it must have.
    pub lines: Option<u64>,
    /// How it runs; one that is started already runs as was said then.
    pub options: RunOptions,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    pub run_id: String,
    pub quantity: i64,
    /// A pause holds the run back.
    pub paused: bool,
    /// It was started before.
    pub repeated: bool,
    /// The run that it waits for.
    pub waits_for: Option<String>,
}

impl Controller {
    /// Fails with [`CommandError::Active`] if another run is active and the import is not started
    /// yet: then nothing has changed.
    pub async fn start_import(&self, import_id: &str, wanted: StartImport) -> Result<Started> {
        loop {
            // In this order. After the first compare-and-set of the import, the run document is not
            // read as it was before it; if there is none, the import has not run, as long as
            // control is as it was read. The second one finds a run that was deleted meanwhile: it
            // has taken the import first.
            let (control, snapshot) = self.sync().await?;
            let import = self.store.import(import_id).await?.ok_or(ImportError::NotFound)?;
            if import.ids_ms < control.reset_below {
                return Err(ImportError::NotFound);
            }
            let started = |repeated, waits_for| Started {
                run_id: import_id.to_owned(),
                quantity: import.accepted,
                paused: control.paused.is_some(),
                repeated,
                waits_for,
            };
            let was_started = import.state == ImportState::Started;
            let active = control.active().map(|run| run.run_id.clone());
            match import.state {
                ImportState::Started => {}
                ImportState::Discarded | ImportState::Deleted => {
                    return Err(ImportError::State(import.state));
                }
                ImportState::Open | ImportState::Sealed => {
                    check(&import, &wanted)?;
                    if let Some(run_id) = active {
                        return Err(CommandError::Active { run_id }.into());
                    }
                }
            }
            let options = if was_started { &import.options } else { &wanted.options };
            if !self.mark_started(&import, options, snapshot.now_ms).await? {
                continue;
            }
            let named = control.run.as_ref().is_some_and(|run| run.run_id == import_id);
            // Also if the run is being deleted.
            if named || self.store.run_or_deleted(import_id).await?.is_some() {
                return Ok(started(true, None));
            }
            if let Some(run_id) = active {
                return Ok(started(was_started, Some(run_id)));
            }
            let options = options.clone();
            let import = ImportDocument { state: ImportState::Started, options, ..import.clone() };
            if !self.mark_started(&import, &import.options, snapshot.now_ms).await? {
                continue;
            }
            if self.set_run(&control, &import, snapshot.now_ms).await? {
                return Ok(started(was_started, None));
            }
        }
    }

    /// Answers false if the import has changed since it was read. Also one that is started is
    /// compared and written: what was read may be behind, and the import deleted since.
    async fn mark_started(
        &self,
        import: &ImportDocument,
        options: &RunOptions,
        now: i64,
    ) -> Result<bool> {
        let sweep_until = now + Self::SWEEP_AFTER_MS;
        if import.state == ImportState::Open {
            let sealed = Moved { sealed_at: Some(now), sweep_until, options: None };
            if !self.store.move_import(import, ImportState::Sealed, sealed).await? {
                return Ok(false);
            }
        }
        let from = match import.state {
            ImportState::Open => ImportState::Sealed,
            state => state,
        };
        let sealed = ImportDocument { state: from, ..import.clone() };
        let started = Moved { sealed_at: None, sweep_until, options: Some(options.clone()) };
        Ok(self.store.move_import(&sealed, ImportState::Started, started).await?)
    }

    /// Makes it the run of control, if that is as it was read.
    pub(super) async fn set_run(
        &self,
        control: &Control,
        import: &ImportDocument,
        now: i64,
    ) -> Result<bool> {
        // The figures of the run that this replaces must be in the history first.
        self.store.ensure_run(control).await?;
        let created_ms = control.next_time(now);
        let mut next = control.next();
        let ImportDocument { import_id, ids_ms, accepted, options, .. } = import;
        next.begin(RunSpec {
            options: options.clone(),
            ..RunSpec::imported(import_id, *ids_ms, *accepted, created_ms)
        });
        if !self.set(&mut next).await? {
            return Ok(false);
        }
        self.raise_redis(&next).await;
        Ok(true)
    }
}

fn check(import: &ImportDocument, wanted: &StartImport) -> Result<()> {
    let found = import.lines as u64;
    match wanted.lines {
        Some(expected) if expected != found => {
            return Err(ImportError::OtherLines { expected, found });
        }
        _ => {}
    }
    if import.rejected > 0 && !wanted.skip_rejects {
        return Err(ImportError::Rejected(import.rejected as u64));
    }
    if import.accepted == 0 {
        return Err(ImportError::Empty);
    }
    Ok(())
}
