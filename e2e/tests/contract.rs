//! The shapes of all answers, held against the field lists of the HTTP contract, in
//! every state that a queue can be in. Fields may be added; none may be missing.

use pedidos_core::run::Phase;
use pedidos_e2e::{Client, Cluster, letters::GIVEN_UP_AT_ONCE};
use reqwest::{Method, header};
use serde_json::Value;

/// A field on each line, then what it may be. `a|b` in a path: both of them; `[]`: in
/// every element of a list.
type Shape = &'static str;

const STATUS: Shape = "
    generationTimeMs                                                number
    enqueueVipTimeMs                                                number
    enqueueNormalTimeMs                                             number
    processing.vip|normal.start                                     time|null
    processing.vip|normal.end                                       time|null
    processing.vip|normal.timeMs                                    number
    processing.vip|normal.count                                     number
    totalTimeMs                                                     number
    wallClockMs                                                     number
    counts.vip|normal                                               number
    phase                                                           phase
    runId                                                           uuid|null
    lastRunId                                                       uuid|null
    throughput.vip|normal|overall                                   number
    eta.estimatedMs                                                 number|null
    eta.progressPercent                                             number
    progress.target|generated|processedTotal                        number
    ledger.vip|normal.generated|deferred|waiting|leased             number
    ledger.vip|normal.delayed|processed|dead|removed                number
    fence.open                                                      bool
    fence.lastVipAt                                                 time|null
    fence.firstNormalAt                                             time|null
    fence.violations|lateVip                                        number
    workers.alive|slots|busy                                        number
    workers.list.[].id|host|version                                 string
    workers.list.[].pid|slots|busy                                  number";

const QUEUE: Shape = "
    waiting|active|completed|failed|delayed                         number
    paused                                                          bool
    ledger.vip|normal.generated|deferred|waiting|leased             number
    ledger.vip|normal.delayed|processed|dead|removed                number";

const HEALTH: Shape = "
    status                                                          string
    timestamp                                                       time
    queue.connected|paused                                          bool
    queue.waiting|active|completed|failed|delayed                   number
    processor.phase                                                 phase
    processor.isProcessing|aborting                                 bool
    processor.enqueueVipTimeMs|enqueueNormalTimeMs                  number
    checks.queueResponsive|hasFailedJobs|isStuck|aborted|hasWorkers bool";

const LOGS: Shape = "
    processLog.generationTimeMs                                     number
    processLog.processingTimeVIPMs|processingTimeNormalMs           number
    processLog.startVIP|endVIP|startNormal|endNormal                time|null
    processLog.totalProcessedVIP|totalProcessedNormal               number
    processLog.totalTimeMs|enqueueVipTimeMs|enqueueNormalTimeMs     number
    processLog.phase                                                phase
    queueStatus.waiting|active|completed|failed|delayed             number
    queueStatus.paused                                              bool
    logs.logMessages|warnMessages|errorMessages                     list
    logs.logMessages|warnMessages|errorMessages.[]                  string
    quickStats.processedLines|vipProcessed                          number
    quickStats.normalProcessed|totalProcessed                       number";

const RUN: Shape = "
    runId                                                           uuid
    status                                                          string
    seed|quantity                                                   number
    phase                                                           phase
    generationTimeMs|processingTimeVIPMs|processingTimeNormalMs     number
    startVIP|endVIP|startNormal|endNormal                           time|null
    totalProcessedVIP|totalProcessedNormal                          number
    totalFailedVIP|totalFailedNormal                                number
    enqueueVipTimeMs|enqueueNormalTimeMs|totalTimeMs|wallClockMs    number
    error                                                           string|null
    createdAt                                                       time
    finishedAt                                                      time|null";

const RUNS: Shape = "
    limit|count                                                     number
    runs                                                            list
    nextCursor                                                      string|null";

const JOBS: Shape = "
    total                                                           number
    types                                                           list
    types.[]                                                        string
    range.start|end                                                 number
    available.waiting|active|delayed|completed|failed               number
    jobs                                                            list
    jobs.[].id|name|state                                           string
    jobs.[].attemptsMade                                            number
    jobs.[].timestamp|processedOn|finishedOn                        number|null
    jobs.[].failedReason                                            string|null
    jobs.[].data                                                    object|null";

/// An order, as far as every order has it.
const ORDER: Shape = "
    id                                                              uuid
    cliente|tier|priority|observacoes|status                        string
    valor                                                           number
    createdAt                                                       time
    runId                                                           uuid
    processedAt|retriedAt                                           time|null
    outcome                                                         object|null";

const GENERATED: Shape = "
    message                                                         string
    runId                                                           uuid
    quantity                                                        number
    paused                                                          bool";

const CANCELLED: Shape = "
    aborted|queuePaused|purged|logsReset|stillActive                bool
    removedPending|waitedForStopMs|leasesHeld                       number
    message                                                         string";

const RESET: Shape = "
    message                                                         string
    removedOrders|removedRuns                                       number";

const PAUSED: Shape = "
    paused|global                                                   bool
    inFlight                                                        number";

/// Is a value of this kind?
fn is(kind: &str, value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    match kind {
        "number" => value.as_f64().is_some_and(|number| number >= 0.0),
        "string" => !text.is_empty(),
        "bool" => value.is_boolean(),
        "null" => value.is_null(),
        "list" => value.is_array(),
        "object" => value.is_object(),
        "phase" => text.parse::<Phase>().is_ok(),
        "uuid" => text.len() == 36 && uuid::Uuid::parse_str(text).is_ok(),
        // 2026-01-31T23:59:59.999Z
        "time" => {
            let form = |(byte, due): (u8, u8)| match due {
                b'0' => byte.is_ascii_digit(),
                due => byte == due,
            };
            text.len() == 24 && text.bytes().zip(*b"0000-00-00T00:00:00.000Z").all(form)
        }
        kind => panic!("what is '{kind}'?"),
    }
}

/// All values at a path; none for a field that is missing.
fn at<'a>(values: Vec<Option<&'a Value>>, segment: &str) -> Vec<Option<&'a Value>> {
    let mut found = Vec::new();
    for value in values {
        match (segment, value.and_then(Value::as_array)) {
            ("[]", Some(list)) => found.extend(list.iter().map(Some)),
            _ => found.extend(segment.split('|').map(|name| value?.get(name))),
        }
    }
    found
}

/// Holds an answer against a shape.
fn hold(what: &str, shape: Shape, answer: &Value) {
    for line in shape.lines().filter(|line| !line.trim().is_empty()) {
        let (path, kinds) = line.trim().split_once(' ').expect("a path and what it may be");
        for value in path.split('.').fold(vec![Some(answer)], at) {
            let kinds = kinds.trim();
            let fits = value.is_some_and(|value| kinds.split('|').any(|kind| is(kind, value)));
            assert!(fits, "{what}: {path} is {value:?}, not {kinds}:\n{answer:#}");
        }
    }
}

/// Every operation that only looks.
async fn every_look(client: &Client, state: &str) {
    hold(state, STATUS, &client.status().await.json);
    hold(state, QUEUE, &client.queue_status().await);
    hold(state, HEALTH, &client.health().await.json(200));
    hold(state, LOGS, &client.logs("").await);
    let jobs = client.jobs("types=waiting,active,delayed,completed,failed&end=9").await;
    hold(state, JOBS, &jobs);
    for job in jobs["jobs"].as_array().unwrap() {
        let name = job["name"].as_str().unwrap();
        assert!(matches!(name, "processOrder" | "generateOrders"), "{job:#}");
        if job["data"].is_object() {
            hold(state, ORDER, &job["data"]);
        }
    }
    let runs = client.runs("").await;
    hold(state, RUNS, &runs);
    for run in runs["runs"].as_array().unwrap() {
        hold(state, RUN, run);
        hold(state, RUN, &client.run(run["runId"].as_str().unwrap()).await);
    }
    let first = client.events(None).await.next().await.expect("a stream begins");
    assert_eq!(first.name, "progress");
    hold(state, STATUS, &first.data);
}

/// Every command that finds nothing to do, or changes nothing that matters.
async fn idle_commands(client: &Client, state: &str) {
    let post = async |path: &str| client.raw(Method::POST, path).await.json(200);
    for clean in ["wait", "active", "delayed", "completed", "failed"] {
        let answer = post(&format!("/pedidos/queue/clean?state={clean}&grace=3600000")).await;
        hold(state, "removed number", &answer);
        assert_eq!(answer["state"], clean);
    }
    assert_eq!(post("/pedidos/queue/clean?grace=3600000").await["state"], "wait");
    assert_eq!(post("/pedidos/queue/close").await, serde_json::json!({ "closed": true }));
    client.process().await.problem(410);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_its_fields_in_every_state() {
    let cluster = Cluster::start(2, GIVEN_UP_AT_ONCE).await;
    let client = cluster.client();
    every_look(client, "empty").await;
    let nothing = client.cancel("").await;
    hold("nothing to cancel", CANCELLED, &nothing);
    assert_eq!((&nothing["aborted"], &nothing["queuePaused"]), (&false.into(), &false.into()));
    hold("nothing to retry", "retried number", &client.try_retry_failed("").await.json(200));
    // Running, with orders waiting, leased, processed and dead.
    let (_, _, held) = cluster.stuck_with_letters(4).await;
    every_look(client, "running").await;
    hold("pause", PAUSED, &client.pause().await);
    every_look(client, "pausing").await;
    cluster.stores.queue.release(&held.token).await.unwrap();
    cluster.pause().await;
    every_look(client, "paused").await;
    hold("cancel", CANCELLED, &client.cancel("purge=false").await);
    every_look(client, "aborted").await;
    let resumed = client.resume().await;
    assert_eq!(resumed, serde_json::json!({ "resumed": true, "global": true }));
    hold("generate", GENERATED, &client.try_generate("quantity=300", None).await.json(202));
    cluster.done().await;
    every_look(client, "finished").await;
    idle_commands(client, "finished").await;
    hold("reset", RESET, &client.reset().await);
    every_look(client, "empty again").await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_run_there_are_zeros_and_nulls() {
    fn zeros_and_nulls(path: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                fields
                    .iter()
                    .for_each(|(name, value)| zeros_and_nulls(&format!("{path}.{name}"), value));
            }
            Value::Number(number) => assert_eq!(number.as_f64(), Some(0.0), "{path}"),
            Value::Array(list) => assert!(list.is_empty(), "{path} is {value}"),
            // Words that have no null.
            Value::String(word) => {
                assert!(
                    ["builtin", "none", "continue"].contains(&word.as_str()),
                    "{path} is {value}"
                );
            }
            value => assert!(value.is_null() || *value == false, "{path} is {value}"),
        }
    }
    let cluster = Cluster::start(0, &[]).await;
    let mut status = cluster.client().status().await.json;
    assert_eq!(status["phase"].take(), "IDLE");
    zeros_and_nulls("status", &status);
    zeros_and_nulls("queue", &cluster.client().queue_status().await);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_take_their_parameters_and_echo_them() {
    let cluster = Cluster::start(1, &[]).await;
    let client = cluster.client();
    let post = async |path: &str| client.raw(Method::POST, path).await.json(200);
    for global in [true, false] {
        let answer = post(&format!("/pedidos/queue/pause?global={global}")).await;
        assert_eq!((&answer["paused"], &answer["global"]), (&true.into(), &global.into()));
        let answer = post(&format!("/pedidos/queue/resume?global={global}")).await;
        assert_eq!((&answer["resumed"], &answer["global"]), (&true.into(), &global.into()));
    }
    client.pause().await;
    let accepted = client.try_generate("quantity=50&seed=5", None).await;
    hold("generate under a pause", GENERATED, &accepted.json(202));
    assert_eq!(accepted.json(202)["paused"], true);
    let run_id = accepted.json(202)["runId"].as_str().unwrap().to_owned();
    assert_eq!(client.run(&run_id).await["seed"], 5);
    assert_eq!(accepted.header(header::LOCATION), format!("/pedidos/runs/{run_id}"));
    let query = "purge=false&removePending=false&resetLogs=true&waitTimeoutMs=0&pollIntervalMs=10";
    let cancelled = client.cancel(query).await;
    hold("cancel", CANCELLED, &cancelled);
    assert_eq!((&cancelled["purged"], &cancelled["logsReset"]), (&false.into(), &true.into()));
    cluster.finish().await;
}
