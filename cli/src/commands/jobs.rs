//! `pedidos jobs`: lists jobs by state.

use super::show;
use crate::{args::Jobs, client::Client, failure::Result, job_table};

pub async fn run(client: &Client, args: &Jobs) -> Result<()> {
    show::answer(&client.jobs(args).await?, job_table::list)
}
