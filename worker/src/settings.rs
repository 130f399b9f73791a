//! The settings that a worker alone has. Their names, defaults and forms are in
//! `pedidos_service::config`, where every program checks all of them.

use std::time::Duration;

use pedidos_service::config::Values;

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// ADMIN_PORT.
    pub admin_port: u16,
    /// ORDERS_QUEUE_CONCURRENCY.
    pub slots: u32,
    /// MAX_ATTEMPTS.
    pub max_attempts: u32,
    /// RETRY_BACKOFF_MS.
    pub retry_backoff: Duration,
    /// LOG_PROGRESS_EVERY_MS.
    pub progress_every: Duration,
    /// LOG_MEMORY.
    pub log_memory: bool,
}

impl WorkerSettings {
    /// Takes them from what is set.
    #[must_use]
    pub fn of(values: &Values) -> Self {
        Self {
            admin_port: values.number("ADMIN_PORT"),
            slots: values.number("ORDERS_QUEUE_CONCURRENCY"),
            max_attempts: values.number("MAX_ATTEMPTS"),
            retry_backoff: values.millis("RETRY_BACKOFF_MS"),
            progress_every: values.millis("LOG_PROGRESS_EVERY_MS"),
            log_memory: values.flag("LOG_MEMORY"),
        }
    }
}
