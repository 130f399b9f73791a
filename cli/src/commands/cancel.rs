//! `pedidos cancel`

use pedidos_api_types::commands::CancelAnswer;
use pedidos_core::text::count;

use super::show;
use crate::{args::Cancel, client::Client, failure::Result, figure::duration};

/// Succeeds too if there is nothing to cancel.
pub async fn run(client: &Client, options: &Cancel) -> Result<()> {
    show::answer(&client.cancel(options).await?, text)
}

fn text(answer: &CancelAnswer) -> String {
    if !answer.aborted {
        return answer.message.clone();
    }
    format!(
        "{}\n  removed pending: {}\n  purged: {}\n  logs reset: {}\n  waited: {}\n  leases still held: {}",
        answer.message,
        count(answer.removed_pending),
        answer.purged,
        answer.logs_reset,
        duration(answer.waited_for_stop_ms),
        count(answer.leases_held)
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_cancel_tells_what_it_did() {
        let answer = serde_json::from_str(
            r#"{"aborted": true, "queuePaused": true, "removedPending": 12000, "purged": true,
                "logsReset": false, "waitedForStopMs": 1234, "stillActive": true, "leasesHeld": 3,
                "message": "run r is cancelled"}"#,
        );
        assert_eq!(
            text(&answer.unwrap()),
            "run r is cancelled\n  removed pending: 12,000\n  purged: true\n  logs reset: false\
             \n  waited: 1.2s\n  leases still held: 3"
        );
    }

    #[test]
    fn nothing_to_cancel_is_said_in_the_apis_words() {
        let answer = serde_json::from_str(
            r#"{"aborted": false, "queuePaused": false, "message": "nothing to cancel"}"#,
        );
        assert_eq!(text(&answer.unwrap()), "nothing to cancel");
    }
}
