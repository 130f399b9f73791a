//! A command that has begun runs to its end, whether or not its client waits for it.

use tracing::Instrument;

/// Runs in its own task: the handler ends when its client goes away, and the task does not.
///
/// # Panics
/// If the command does.
pub async fn run_to_completion<T: Send + 'static>(
    command: impl Future<Output = T> + Send + 'static,
) -> T {
    match tokio::spawn(command.in_current_span()).await {
        Ok(done) => done,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The process shuts down, and its tasks with it: nobody waits for an answer.
            Err(_) => std::future::pending().await,
        },
    }
}
