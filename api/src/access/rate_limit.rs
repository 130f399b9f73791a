//! How many calls a caller may make in a minute. The counts are in Redis, shared by all replicas.

use std::time::Duration;

use crate::settings::AccessSettings;
use pedidos_pipeline::{
    queue::{
        Queue, QueueError,
        limit::{Allowance, WINDOW},
    },
    store::Store,
};
use poem::{
    Request, Response,
    http::{StatusCode, header},
};

use super::{
    caller::{Caller, Via},
    policy::Permission,
    trail::AuditEntry,
};
use crate::http::problem;

/// How long Redis may take to count a call. Without an answer the call continues: if Redis is
/// away, the call itself says so, and nothing is changed without it.
const TIMEOUT: Duration = Duration::from_millis(500);

/// All unknown callers together may write as much as this many known ones: they must not be able
/// to fill the audit trail, from however many addresses.
const UNKNOWN_CALLERS_SHARE: u32 = 2;
/// Writes of an unknown caller in a minute where RATE_LIMIT_WRITES is off.
const UNKNOWN_CALLER_WRITES: u32 = 120;

/// Counts this call, and says whether it is the first of its minute that is too many. None: the
/// call is not limited. Anonymous callers of one machine are not.
pub async fn take(
    settings: &AccessSettings,
    queue: &Queue,
    request: &Request,
    permission: Permission,
    caller: &Caller,
) -> Option<(Allowance, bool)> {
    let unknown_writes = caller.via == Via::Unknown && permission.is_write();
    let calls = match permission {
        Permission::Write(_) => settings.writes_per_minute,
        _ => settings.reads_per_minute,
    };
    let calls = if calls == 0 && unknown_writes { UNKNOWN_CALLER_WRITES } else { calls };
    if calls == 0 || caller.via == Via::Anonymous && settings.is_loopback() {
        return None;
    }
    let (kind, own) = (kind(permission), caller.client(request));
    let asked = async {
        let own = queue.limit(kind, &own, calls).await?;
        if own.0.taken && unknown_writes {
            let calls = calls.saturating_mul(UNKNOWN_CALLERS_SHARE);
            let all = queue.limit(kind, "strangers", calls).await?;
            return Ok(if all.0.taken { own } else { all });
        }
        Ok::<_, QueueError>(own)
    };
    match tokio::time::timeout(TIMEOUT, asked).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::warn!(%error, "call not limited: Redis cannot count it");
            None
        }
        Err(_) => None,
    }
}

/// The answer to a call that is too many. `entry`: its line in the trail; one for all of them in
/// a minute, so that they cannot fill it.
pub async fn refuse(
    used_up: &Allowance,
    permission: Permission,
    entry: Option<AuditEntry>,
    store: &Store,
) -> Response {
    let (calls, seconds) = (used_up.calls, whole_seconds(used_up.next_in));
    let kind = kind(permission);
    let why = format!("the limit is {calls} {kind} per minute; the next is allowed in {seconds} s");
    let problem = problem::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests", why);
    if let Some(entry) = entry {
        entry.refused(store, StatusCode::TOO_MANY_REQUESTS, &problem.detail).await;
    }
    let mut response = problem::response(&problem);
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    set_headers(&mut response, used_up, permission);
    response
}

/// Sets the headers that say what is allowed, and what is left.
pub fn set_headers(response: &mut Response, allowance: &Allowance, permission: Permission) {
    let name = kind(permission);
    let Allowance { calls, left, whole_in, .. } = allowance;
    let policy = format!("\"{name}\";q={calls};w={}", WINDOW.as_secs());
    let rest = format!("\"{name}\";r={left};t={}", whole_seconds(*whole_in));
    for (header, value) in [("ratelimit-policy", policy), ("ratelimit", rest)] {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(header, value);
        }
    }
}

const fn kind(permission: Permission) -> &'static str {
    if permission.is_write() { "writes" } else { "reads" }
}

const fn whole_seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1_000) as u64
}
