//! What every handler gets.

use crate::settings::ApiSettings;
use pedidos_pipeline::commands::Controller;

use crate::{
    access::Access,
    events::{Hub, slots::StreamSlots},
    http::{list_body::Uploads, long_answer::LongAnswers},
};

/// Connections and settings, and what limits and serves streams; no state of the queue (I8).
#[derive(Clone)]
pub struct App {
    pub controller: Controller,
    pub settings: ApiSettings,
    pub access: Access,
    pub hub: Hub,
    pub streams: StreamSlots,
    pub long_answers: LongAnswers,
    pub exports: LongAnswers,
    pub uploads: Uploads,
}
