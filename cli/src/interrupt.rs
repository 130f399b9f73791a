//! Ctrl-C, SIGTERM and SIGHUP end a command, which then says what continues without it. In a
//! container the first process has no default for them: without a handler it would not end.

use std::{
    future::poll_fn,
    io,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    task::Poll,
};

use pedidos_core::signals::is_ignored;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::{Failure, Result};

/// A signal has come. Receivers of one signal are told one after the other: whoever is told first
/// tells the others by this.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Has a signal asked to stop? Then a bar is not drawn again: the terminal has written `^C` behind it,
/// and the cursor is not where the bar left it.
pub fn has_come() -> bool {
    INTERRUPTED.load(Relaxed)
}

/// Does the work; fails with what `says` if a signal asks to stop before it is done.
pub async fn or<T>(
    work: impl Future<Output = Result<T>>,
    says: impl FnOnce() -> String,
) -> Result<T> {
    // Before the work begins: a signal that comes while it does is not missed.
    let mut signals = listen()?;
    let mut work = pin!(work);
    tokio::select! {
        biased;
        // First, so that work that goes on knows of it.
        () = any_of(&mut signals) => {}
        done = &mut work => return done,
    }
    // The work may wait for signals too, and knows better what to say.
    match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
        Poll::Ready(done) => done,
        Poll::Pending => Err(Failure::Interrupted(says())),
    }
}

fn listen() -> io::Result<Vec<Signal>> {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    kinds.into_iter().filter(|kind| !is_ignored(kind.as_raw_value())).map(signal).collect()
}

async fn any_of(signals: &mut [Signal]) {
    poll_fn(|context| {
        let mut signals = signals.iter_mut();
        if INTERRUPTED.load(Relaxed) || signals.any(|signal| signal.poll_recv(context).is_ready()) {
            INTERRUPTED.store(true, Relaxed);
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
