//! Limits of the queue, what holds a run back, and orders that a person ends.

use pedidos_api_types::{
    flow::{FailAnswer, Limits, LimitsChange, OnVipFailure},
    problem::Problem,
    runs::Run,
};
use pedidos_core::{
    control::{self, Flow, RunOptions},
    order::FALHOU,
};
use pedidos_pipeline::{
    commands::{FailOrder, NewLimits, Set},
    store::OrderState,
};
use poem::{http::StatusCode, web::Data};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Path, Query},
    payload::Json,
    types::MaybeUndefined,
};

use super::{completion::run_to_completion, responses::Answer, tag::Tag};
use crate::{app::App, http::problem, views};

pub struct FlowApi;

/// What a start says of its run.
#[derive(Debug, Default)]
pub struct RunChoice {
    pub processor: Option<String>,
    pub pause_after: Option<u32>,
    pub max_failed_percent: Option<u32>,
    pub on_vip_failure: Option<OnVipFailure>,
}

impl RunChoice {
    pub fn of(
        processor: Query<Option<String>>,
        pause_after: Query<Option<u32>>,
        max_failed_percent: Query<Option<u32>>,
        on_vip_failure: Query<Option<OnVipFailure>>,
    ) -> Self {
        Self {
            processor: processor.0,
            pause_after: pause_after.0,
            max_failed_percent: max_failed_percent.0,
            on_vip_failure: on_vip_failure.0,
        }
    }

    /// What an import does unless its start says otherwise.
    #[must_use]
    pub fn imported() -> RunOptions {
        let flow = Flow { on_vip_failure: control::OnVipFailure::Hold, ..Flow::default() };
        RunOptions { processor: Some(RunOptions::DEFAULT_NAME.to_owned()), flow }
    }

    /// The name of an option that is given; none: none is.
    #[must_use]
    pub const fn first_given(&self) -> Option<&'static str> {
        match self {
            Self { processor: Some(_), .. } => Some("processor"),
            Self { pause_after: Some(_), .. } => Some("pauseAfter"),
            Self { max_failed_percent: Some(_), .. } => Some("maxFailedPercent"),
            Self { on_vip_failure: Some(_), .. } => Some("onVipFailure"),
            _ => None,
        }
    }

    /// With these defaults.
    #[must_use]
    pub fn or(self, default: RunOptions) -> RunOptions {
        let processor = match self.processor {
            Some(name) if name == RunOptions::BUILTIN_NAME => None,
            Some(name) => Some(name),
            None => default.processor,
        };
        let flow = Flow {
            pause_after: self.pause_after.map(i64::from),
            max_failed_percent: self.max_failed_percent.map(i64::from),
            on_vip_failure: self.on_vip_failure.map_or(default.flow.on_vip_failure, Into::into),
        };
        RunOptions { processor, flow }
    }
}

#[expect(clippy::large_enum_variant, reason = "there is one for each answer")]
#[derive(Debug, ApiResponse)]
pub enum ChangeResponse {
    /// The run after the change.
    #[oai(status = 200)]
    Done(Json<Run>),
    /// No run has this id.
    #[oai(status = 404, content_type = "application/problem+json")]
    Missing(Json<Problem>),
    /// The run has ended, or is being cancelled.
    #[oai(status = 409, content_type = "application/problem+json")]
    Ended(Json<Problem>),
}

#[derive(Debug, ApiResponse)]
pub enum FailResponse {
    /// The order is a dead letter.
    #[oai(status = 200)]
    Done(Json<FailAnswer>),
    /// The current run has no such order.
    #[oai(status = 404, content_type = "application/problem+json")]
    Missing(Json<Problem>),
    /// The order is terminal already.
    #[oai(status = 409, content_type = "application/problem+json")]
    Ended(Json<Problem>),
}

#[OpenApi]
impl FlowApi {
    /// Show the limits
    ///
    /// They hold for all workers together, and survive restarts and resets; null: none.
    #[oai(
        path = "/pedidos/queue/limits",
        method = "get",
        operation_id = "getLimits",
        tag = "Tag::Queue"
    )]
    async fn limits(&self, app: Data<&App>) -> Answer<Json<Limits>> {
        Ok(Json(views::status::limits(app.controller.current().await?.limits)))
    }

    /// Change the limits
    ///
    /// One or both; null lifts a limit. In any t seconds at most `ordersPerSecond` × (t + 1) orders are
    /// claimed. Works while a run is active.
    #[oai(
        path = "/pedidos/queue/limits",
        method = "patch",
        operation_id = "setLimits",
        tag = "Tag::Queue"
    )]
    async fn set_limits(
        &self,
        app: Data<&App>,
        change: Json<LimitsChange>,
    ) -> Answer<Json<Limits>> {
        let LimitsChange { orders_per_second, max_in_flight } = change.0;
        let new = NewLimits {
            orders_per_second: set(orders_per_second),
            max_in_flight: set(max_in_flight),
        };
        let controller = app.controller.clone();
        let limits = run_to_completion(async move { controller.set_limits(new).await }).await?;
        Ok(Json(views::status::limits(limits)))
    }

    /// End an order
    ///
    /// Makes an order of the current run a dead letter, whatever holds it: for an order that its
    /// processor never ends, also while no worker has the processor. The run is read again from
    /// MongoDB; its counters start over and end exact.
    #[oai(
        path = "/pedidos/orders/:id/fail",
        method = "post",
        operation_id = "failOrder",
        tag = "Tag::Queue"
    )]
    async fn fail(
        &self,
        app: Data<&App>,
        /// The order's id, from the list of jobs.
        id: Path<String>,
    ) -> Answer<FailResponse> {
        let failed = match id.0.parse() {
            Ok(id) => {
                let controller = app.controller.clone();
                run_to_completion(async move { controller.fail_order(id).await }).await?
            }
            Err(_) => FailOrder::NotFound,
        };
        Ok(match failed {
            FailOrder::Failed => {
                FailResponse::Done(Json(FailAnswer { id: id.0, status: FALHOU.to_owned() }))
            }
            FailOrder::Ended(state) => FailResponse::Ended(Json(problem::new(
                StatusCode::CONFLICT,
                "Order ended",
                match state {
                    OrderState::Processed => "the order is processed already",
                    OrderState::Dead => "the order is a dead letter already",
                    OrderState::Removed => "the order was removed or cancelled",
                    OrderState::Pending => "the order changes right now: try again",
                },
            ))),
            FailOrder::NotFound => FailResponse::Missing(Json(problem::new(
                StatusCode::NOT_FOUND,
                "Order not found",
                "no run is active that has this order; GET /pedidos/queue/jobs lists the orders",
            ))),
        })
    }
}

/// A change; none: it stays as it is.
pub(super) fn set(value: MaybeUndefined<i64>) -> Set<Option<i64>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}
