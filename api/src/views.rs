//! What is shown of the pipeline's snapshots and documents.

pub mod audit;
pub mod cancel;
mod dados;
pub mod exports;
pub mod health;
pub mod imports;
pub mod jobs;
pub mod logs;
pub mod orders;
pub mod processor;
pub mod queue_metrics;
pub mod runs;
pub mod status;
