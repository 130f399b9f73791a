//! Imports, as the API shows them.

use pedidos_api_types::imports::{Import, ImportState, Reject};
use pedidos_core::{import, time::iso};
use pedidos_pipeline::{commands::DryRun, store::ImportDocument};

#[must_use]
pub fn import(import: ImportDocument) -> Import {
    use import::ImportState::{Deleted, Started};
    let started = matches!(import.state, Started | Deleted);
    Import {
        run_id: started.then(|| import.import_id.clone()),
        import_id: Some(import.import_id),
        name: import.name,
        state: import.state.into(),
        lines: import.lines as u64,
        accepted: import.accepted as u64,
        rejected: import.rejected as u64,
        vip: import.vip as u64,
        normal: import.normal as u64,
        bytes: import.bytes as u64,
        first_rejects: import.first_rejects.into_iter().map(Reject::from).collect(),
        created_at: iso(import.created_at.timestamp_millis()),
        sealed_at: import.sealed_at.map(|at| iso(at.timestamp_millis())),
        expires_at: Some(iso(import.expires_at.timestamp_millis())),
        dry_run: false,
    }
}

/// An import that is not kept.
#[must_use]
pub fn dry_run(counts: DryRun, name: Option<String>, now: i64) -> Import {
    Import {
        import_id: None,
        name,
        state: ImportState::Open,
        lines: counts.lines,
        accepted: counts.vip + counts.normal,
        rejected: counts.rejected,
        vip: counts.vip,
        normal: counts.normal,
        bytes: counts.bytes,
        first_rejects: counts.first_rejects.into_iter().map(Reject::from).collect(),
        created_at: iso(now),
        sealed_at: None,
        expires_at: None,
        run_id: None,
        dry_run: true,
    }
}
