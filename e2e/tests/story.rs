//! An afternoon with a list of one's own: a canary, a limit, a receiver that goes away, a worker that
//! dies, orders that fail. The long form: `STORY_LINES=1000000 STORY_SECONDS=60`. With `--nocapture` it
//! prints what the README shows.

use std::time::{Duration, Instant};

use pedidos_core::run::Phase;
use pedidos_e2e::{
    Cluster, Status,
    imports::{NDJSON, line},
    receiver::{Receiver, Reply, Sent, Verdict},
    status::Each,
    wait::throughout,
};
use reqwest::Method;
use serde_json::json;

/// Every so many lines one is no order.
const BAD: u32 = 100;

fn setting(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("it is a number"))
}

/// A NORMAL order that the receiver cannot process.
fn fails(order: &Sent) -> Verdict {
    if order.number() % 500 == 6 { Verdict::Fail("sold out".to_owned()) } else { Verdict::OK }
}

/// What happened, with the time since the beginning.
struct Story(Instant);

impl Story {
    fn tell(&self, what: &str) {
        println!("{:>4.0} s  {what}", self.0.elapsed().as_secs_f64());
    }

    fn tell_status(&self, what: &str, status: &Status) {
        let Each { vip, normal } = status.ledger;
        self.tell(&format!(
            "{what}: VIP {} done, {} dead; NORMAL {} done, {} dead; fence {}",
            vip.processed,
            vip.dead,
            normal.processed,
            normal.dead,
            if status.fence.open { "open" } else { "shut" },
        ));
    }
}

/// The receiver is away for so long: no order is given up, and NORMAL ones wait.
async fn holds(cluster: &Cluster, how_long: Duration) -> Status {
    cluster.breaks().await;
    throughout(how_long, async || {
        let status = cluster.client().status().await;
        assert_eq!((status.dead(), status.fence.open), (0, false), "{:#}", status.json);
    })
    .await;
    let health = cluster.client().health().await.json(200);
    assert_eq!(
        (&health["status"], &health["checks"]["processor"]),
        (&json!("degraded"), &json!(false))
    );
    assert_eq!(health["checks"]["isStuck"], false, "{health:#}");
    cluster.client().status().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_afternoon_with_a_list_of_their_own() {
    let (total, seconds) = (setting("STORY_LINES", 8_000), setting("STORY_SECONDS", 4));
    let away = Duration::from_secs(seconds.into());
    let receiver = Receiver::start().await;
    receiver.answer(|call| Reply::each(call, fails));
    let mut cluster = Cluster::start_for(&receiver, 2, &[]).await;
    let worker = cluster.start_worker().await;

    let list: String = (0..total)
        .map(
            |number| {
                if number % BAD == 5 { "{\"valor\":1}\n".to_owned() } else { line(number) + "\n" }
            },
        )
        .collect();
    let story = Story(Instant::now());
    let client = cluster.client().clone();
    let id = client.create_import().await;
    let import = client.try_upload(&id, &[NDJSON], list).await.expect("the API answers").json(200);
    let accepted = u64::from(total - total.div_ceil(BAD));
    assert_eq!(
        (&import["accepted"], &import["rejected"]),
        (&json!(accepted), &json!(total.div_ceil(BAD)))
    );
    story
        .tell(&format!("{total} lines sent: {accepted} accepted, {} rejected", import["rejected"]));

    let canary = u64::from(total / 8).min(1_000);
    client.start_for(&id, &format!("onRejects=skip&pauseAfter={canary}")).await;
    let paused = |status: &Status| status.json["pausedBy"] == "pauseAfter";
    let status = cluster.wait_for("the canary's pause", paused).await;
    assert_eq!((status.terminal(), status.dead()), (canary, 0), "{:#}", status.json);
    story.tell_status(&format!("paused after {canary}"), &status);
    let rate = 2_000.min(total / 8);
    let limits = json!({ "ordersPerSecond": rate }).to_string();
    client.with_body(Method::PATCH, "/pedidos/queue/limits", &limits).await.json(200);
    client.resume().await;
    let more = |status: &Status| status.terminal() > canary + u64::from(rate / 4);
    let status = cluster.wait_for("orders after the pause", more).await;
    story.tell_status(&format!("resumed at {rate}/s"), &status);

    receiver.down().await;
    story.tell("the receiver is away");
    story.tell_status("after the outage", &holds(&cluster, away).await);
    receiver.answer(|_| Reply::Http(429, Vec::new(), String::new()));
    receiver.up().await;
    story.tell("the receiver is back and answers 429");
    story.tell_status("after that", &holds(&cluster, away).await);
    receiver.answer(|call| Reply::each(call, fails));

    let opened = |status: &Status| status.fence.open && status.counts.normal > 0;
    let status = cluster.wait_for("NORMAL orders", opened).await;
    cluster.kill(worker).await;
    story.tell_status("a worker is killed", &status);

    let done = cluster.wait_for("the end", |status| status.phase == Phase::Done).await;
    assert!(done.is_of(&id), "{:#}", done.json);
    let failed = (0..total).filter(|number| number % 500 == 6 && number % BAD != 5).count() as u64;
    assert_eq!((done.ledger.vip.dead, done.ledger.normal.dead), (0, failed), "{:#}", done.json);
    assert_eq!(done.progress.processed_total + failed, accepted);
    assert_eq!(done.fence.violations, 0);
    story.tell_status("done", &done);
    let receipts = cluster.was_called(&receiver, &id).await;
    story.tell(&format!(
        "at the receiver: {} calls, {} orders, no NORMAL one before the last VIP verdict",
        receipts.0.len(),
        receipts.settled().len()
    ));
    cluster.audit().await;
    story.tell("pedidos audit finds nothing wrong");
    cluster.finish().await;
}
