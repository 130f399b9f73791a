//! The worker: claims work from the queue, does it, acknowledges it. Any number of them may run,
//! anywhere that reaches the stores.

mod read_collection;
mod verify;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    if verify::is_requested() {
        return verify::main().await;
    }
    if read_collection::is_requested() {
        return read_collection::main().await;
    }
    pedidos_worker::start().await
}
