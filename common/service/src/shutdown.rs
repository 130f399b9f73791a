//! Signals: the first SIGTERM or SIGINT asks the process to stop, the second ends it.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::output;

/// A token that the first SIGTERM or SIGINT cancels. The second ends the process at once, with
/// exit code 130.
///
/// # Errors
/// The process cannot listen to signals.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let asked = token.clone();
    tokio::spawn(async move {
        for is_second in [false, true] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if is_second {
                // The process ends before a line of the log is written.
                output::write_error("second signal: stopping now");
                std::process::exit(130);
            }
            tracing::info!("stopping: finishing the open work");
            asked.cancel();
        }
    });
    Ok(token)
}
