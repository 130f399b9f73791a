//! `adopt` raises Redis to a version of control: it opens, replays, pauses, cancels, ends or
//! forgets a run.
//!
//! - Arguments: control, field by field; the sizes that a new run is opened with; what a retry
//!   of a run that had ended put back; then pairs of field and figure: of an ended run all of
//!   them, of a run that is replayed the stamps that its document has.
//! - Answers 1, or 0 if this Redis is at that version or a later one: then nothing changed.
//! - Guarantees: Redis can be rebuilt, and goes back behind no version (I7); a run whose orders
//!   changed after the version that this Redis has starts over at its first chunk; an end is shown
//!   with the figures that control has.

use std::sync::LazyLock;

use fred::types::{Value, scripts::Script};
use futures_util::future::BoxFuture;
use pedidos_core::{
    control::{Control, Intent, LetterDecision, RunSpec},
    order::OrderId,
    run::Figures,
};

use super::{
    client::{Queue, packed},
    error::{QueueError, Result, unexpected},
    figures::fields,
    script::script,
};

pub(super) static ADOPT: LazyLock<Script> =
    LazyLock::new(|| script("allow-oom", include_str!("adopt.lua")));

/// Dead letters to be queued again after the end of their run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch {
    /// The version of control that says that the run has ended.
    pub base: i64,
    /// VIP and NORMAL.
    pub ids: [Vec<OrderId>; 2],
    /// VIP orders among them that are put back late for the first time.
    pub late_vip: i64,
}

impl Queue {
    /// Raises Redis to this control: exactly the document that was read or written. `known`:
    /// the run's figures as MongoDB has them. `patch`: what a retry of a run that had ended put
    /// back; a Redis that shows that end queues it, and replays nothing.
    ///
    /// Answers false if Redis was there already, or further.
    pub(crate) fn adopt<'a>(
        &'a self,
        control: &'a Control,
        known: &'a Figures,
        patch: Option<&'a Patch>,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            self.note_version(control.version);
            let wait_ms = match &control.intent {
                Intent::Cancel(cancel) => cancel.wait_timeout_ms,
                _ => 0,
            };
            let run = control.run.as_ref();
            let ended = run.and_then(|run| run.end.as_ref());
            let number = |value: i64| Value::from(value);
            let mut args = vec![
                number(control.version),
                number(control.orders_version),
                run.map_or("", |run| run.run_id.as_str()).into(),
                number(run.map_or(0, |run| run.seed)),
                number(run.map_or(0, |run| run.created_ms)),
                number(run.map_or(0, |run| run.quantity)),
                number(i64::from(self.settings.chunk_size)),
                number(i64::from(self.settings.range_size)),
                number(self.settings.max_dead as i64),
                control.intent.as_str().into(),
                number(i64::from(control.paused.is_some())),
                number(wait_ms as i64),
                control.last_run_id.as_deref().unwrap_or("").into(),
                LetterDecision::written(&control.letters).into(),
            ];
            let first = run.and_then(|run| run.first.as_ref()).map(serde_json::to_string);
            let first = first.transpose().map_err(|e| QueueError::Answer(e.to_string()))?;
            let none = Patch::default();
            let Patch { base, ids: [vip, normal], late_vip } = patch.unwrap_or(&none);
            args.extend([
                first.unwrap_or_default().into(),
                number(*base),
                packed(vip),
                packed(normal),
                number(*late_vip),
                number(control.hidden),
                number(i64::from(ended.is_some_and(|end| end.purge))),
                number(control.format),
                number(run.map_or(0, RunSpec::ids_ms)),
                run.map_or("", |run| run.source.as_str()).into(),
            ]);
            let options = run.map(|run| &run.options);
            let flow = options.map(|options| options.flow).unwrap_or_default();
            let limit = |limit: Option<i64>| limit.map_or_else(|| "".into(), number);
            args.extend([
                options.and_then(|options| options.processor.as_deref()).unwrap_or("").into(),
                number(i64::from(flow.on_vip_failure.holds())),
                limit(flow.pause_after),
                limit(flow.max_failed_percent),
                limit(control.limits.orders_per_second),
                limit(control.limits.max_in_flight),
                control.paused.as_ref().map_or("", |pause| pause.by.as_str()).into(),
            ]);
            let mut fields = fields(ended.map_or(known, |end| &end.figures))?;
            if let Some(end) = ended {
                fields.push(("phase".to_owned(), end.phase.as_str().into()));
            } else {
                fields.retain(|(_, figure)| *figure != Value::Integer(0));
            }
            args.extend(fields.into_iter().flat_map(|(field, figure)| [field.into(), figure]));
            match self.call(&ADOPT, args).await? {
                Value::Integer(adopted) => Ok(adopted == 1),
                other => Err(unexpected(&other)),
            }
        })
    }
}
