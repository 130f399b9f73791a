//! The names of all keys. They have the queue's name as a hash tag, so that every script stays
//! in one slot of a Redis Cluster.

#[derive(Debug, Clone)]
pub struct RedisKeys {
    prefix: String,
}

impl RedisKeys {
    /// `queue`: the queue's name, without braces.
    #[must_use]
    pub fn new(queue: &str) -> Self {
        Self { prefix: format!("{{{queue}}}") }
    }

    fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// The keys that every script declares, in the order of `prelude.lua`.
    /// The channel of events is among them so that its name is written once.
    pub(super) fn of_scripts(&self) -> Vec<String> {
        [
            "run",            // hash: version, phase, flags, sizes, cursors, counters, stamps
            "chunks",         // list: first indexes of chunks handed back
            "ranges",         // list: first indexes of NORMAL ranges handed back
            "vip",            // list: ids waiting
            "normal",         // list: ids waiting
            "leases",         // sorted set: token → deadline
            "leased",         // hash: token → what is under the lease
            "vip:delayed",    // sorted set: id → when to try again
            "normal:delayed", // sorted set: id → when to try again
            "attempts",       // hash: id → attempts that failed
            "phases",         // stream: the last changes of phase
            "workers",        // sorted set: worker → last heartbeat
            "workers:info",   // hash: worker → what to show of it
            "events",         // pub/sub: phase and progress events, and wake-ups
        ]
        .map(|name| self.key(name))
        .to_vec()
    }

    /// Hash: id → attempts that failed.
    #[must_use]
    pub fn attempts(&self) -> String {
        self.key("attempts")
    }

    /// Pub/sub channel of events and wake-ups.
    #[must_use]
    pub fn events(&self) -> String {
        self.key("events")
    }

    /// Stream: the last changes of phase.
    #[must_use]
    pub fn phases(&self) -> String {
        self.key("phases")
    }

    /// Stream: the last log lines of every process.
    #[must_use]
    pub fn logs(&self) -> String {
        self.key("logs")
    }

    /// String: when the allowance of this caller for this kind of call is whole again.
    #[must_use]
    pub fn limit(&self, kind: &str, caller: &str) -> String {
        self.key(&format!("limit:{kind}:{caller}"))
    }

    /// The beginning of every key.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}
