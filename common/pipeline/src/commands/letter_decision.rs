//! A decision about dead letters is one compare-and-set, which names the mark of the letters.

use pedidos_core::{
    control::{Intent, LetterAction, LetterDecision, letter_mark},
    run::Phase,
};

use super::{
    controller::Controller,
    error::{CommandError, Result},
};
use crate::queue::{Snapshot, Token};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Retry,
    Remove,
}

impl Controller {
    /// A new mark, with the time of MongoDB's clock: its letters say then when they were put back.
    pub(super) async fn new_mark(&self) -> Result<String> {
        Ok(letter_mark(Token::random().as_str(), self.store.now_ms().await?))
    }

    /// Makes the mark count. An active run is replayed, and so is an ended one that is opened
    /// for a retry; a removal from an ended run changes its figures. Answers false if the run
    /// cannot be changed.
    pub(super) async fn decide(&self, run_id: &str, mark: &str, wanted: Wanted) -> Result<bool> {
        loop {
            let (control, snapshot) = self.sync().await?;
            let Some(run) = control.run.as_ref().filter(|run| run.run_id == run_id) else {
                return match control.active() {
                    Some(other) => Err(CommandError::Active { run_id: other.run_id.clone() }),
                    None => Ok(false),
                };
            };
            let aborted = run.end.as_ref().is_some_and(|end| end.phase == Phase::Aborted);
            if matches!(control.intent, Intent::Cancel(_)) || aborted && wanted == Wanted::Retry {
                return Ok(false);
            }
            let mut next = control.next();
            next.put_back = None;
            if all_read(snapshot.phase()) {
                next.letters.clear();
            }
            let action = match wanted {
                Wanted::Remove => LetterAction::Remove,
                Wanted::Retry if fence_was_open(&snapshot) => LetterAction::RetryLate,
                Wanted::Retry => LetterAction::Retry,
            };
            next.letters.push(LetterDecision { mark: mark.to_owned(), action });
            let end = next.run.as_mut().and_then(|run| run.end.as_mut());
            if let (Some(end), Wanted::Remove) = (end, wanted) {
                let [vip, normal] = self.store.count_letters(&run.ids(), mark).await?;
                let figures = &mut end.figures;
                (figures.vip_dead, figures.vip_removed) =
                    (figures.vip_dead - vip, figures.vip_removed + vip);
                (figures.normal_dead, figures.normal_removed) =
                    (figures.normal_dead - normal, figures.normal_removed + normal);
            } else {
                next.intent = Intent::Run;
                next.orders_version = next.version;
                if run.end.is_some() {
                    let put_back = self.to_put_back(run, mark, control.version).await?;
                    let orders = put_back.orders.iter().sum();
                    next.put_back = Some(put_back);
                    if let Some(run) = &mut next.run {
                        run.take_up(snapshot.now_ms, orders);
                    }
                }
            }
            if self.set(&mut next).await? {
                self.raise_redis(&next).await;
                return Ok(true);
            }
        }
    }
}

/// Has every chunk been read since control last changed? Then all decisions in it have been
/// carried out.
const fn all_read(phase: Phase) -> bool {
    !matches!(phase, Phase::Generating | Phase::EnqueueVip | Phase::Error)
}

/// Had the fence opened, perhaps before a replay?
fn fence_was_open(snapshot: &Snapshot) -> bool {
    let started = snapshot.run.as_ref().is_some_and(|run| run.figures.normal_start > 0);
    snapshot.phase().fence_open() || started
}
