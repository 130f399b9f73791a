//! How this harness waits. Where something tells of the event, a test awaits that; where
//! nothing does, it asks again and again, and only [`poll`] does that.

use std::time::Duration;

use tokio::time::Instant;

/// Nothing that these tests wait for takes longer, also on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// How often a status is asked for while something is waited for.
pub const POLL: Duration = Duration::from_millis(20);

/// Waits for something, but not for ever.
pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {DEADLINE:?}"))
}

/// Asks until there is an answer, with this pause between two questions. It has no deadline:
/// the caller sets one.
pub async fn poll<T>(pause: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(pause).await;
    }
}

/// Waits until a condition holds; fails the test after [`DEADLINE`].
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    eventually_some(what, async || condition().await.then_some(())).await;
}

/// Waits until there is an answer; fails the test after [`DEADLINE`].
pub async fn eventually_some<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    in_time(what, poll(POLL, ask)).await
}

/// Looks again and again for so long: something must hold all the while.
pub async fn throughout(how_long: Duration, mut look: impl AsyncFnMut()) {
    let until = Instant::now() + how_long;
    poll(POLL, async || {
        look().await;
        (Instant::now() >= until).then_some(())
    })
    .await;
}
