//! Ending a process: the first SIGTERM or SIGINT asks, the second insists.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first SIGTERM or SIGINT. A second one ends
/// the process at once, with exit code 130.
///
/// # Errors
/// The signals cannot be listened to.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let asked = token.clone();
    tokio::spawn(async move {
        for insisting in [false, true] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if insisting {
                tracing::warn!("asked to stop again: stopping now");
                std::process::exit(130);
            }
            tracing::info!("asked to stop: finishing what is in hand");
            asked.cancel();
        }
    });
    Ok(token)
}
