//! `pedidos change`: changes what holds a run back.

use pedidos_api_types::{flow::OnVipFailure, runs::Run};
use pedidos_core::text::count;

use super::show;
use crate::{
    args::Change,
    client::Client,
    failure::{Failure, Result},
    figure::NONE,
};

pub async fn run(client: &Client, args: &Change) -> Result<()> {
    let run_id = match &args.run_id {
        Some(run_id) => run_id.clone(),
        None => current(client).await?,
    };
    show::answer(&client.change_run(&run_id, &args.new).await?, summary)
}

async fn current(client: &Client) -> Result<String> {
    let none = "there is no run to change; start one with `pedidos generate` or `pedidos import`";
    client.status().await?.read()?.run_id.ok_or_else(|| Failure::Failed(none.into()))
}

fn summary(run: &Run) -> String {
    let or_none = |value: Option<String>| value.unwrap_or_else(|| NONE.to_owned());
    format!(
        "run {}\n  pause after: {}\n  failed orders, at most: {}\n  a dead VIP order: {}",
        run.run_id,
        or_none(run.pause_after.map(|orders| format!("{} orders", count(orders)))),
        or_none(run.max_failed_percent.map(|percent| format!("{percent} %"))),
        match run.on_vip_failure {
            OnVipFailure::Hold => "holds the NORMAL orders back",
            OnVipFailure::Continue => "holds nothing back",
        }
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::samples;

    #[test]
    fn a_changed_run_tells_what_holds_it_back() {
        let mut run: Run = serde_json::from_str(samples::RUN).unwrap();
        assert_eq!(
            summary(&run),
            "run r\n  pause after: -\n  failed orders, at most: -\n  a dead VIP order: holds nothing back"
        );
        (run.pause_after, run.max_failed_percent) = (Some(1_000), Some(5));
        run.on_vip_failure = OnVipFailure::Hold;
        assert_eq!(
            summary(&run),
            "run r\n  pause after: 1,000 orders\n  failed orders, at most: 5 %\
             \n  a dead VIP order: holds the NORMAL orders back"
        );
    }
}
