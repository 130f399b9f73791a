//! The API: takes commands, shows status. It holds no state; run as many as you like.

use std::process::ExitCode;

use pedidos_api::{access::Access, run, settings::AccessSettings};
use pedidos_core::redact::redacted;
use pedidos_service::{
    config, listener::descriptors, output, process::exit_code, settings::Settings,
};

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Settings::of_program(
        "pedidos-api",
        "Starts, shows and controls runs of orders: HTTP API with Swagger UI at /docs.",
    );
    let suffice = descriptors::suffice(settings.listener.max_connections, 0);
    let access = match (Access::open(&AccessSettings::of(&settings.values)), suffice) {
        (Ok(access), Ok(())) => access,
        (access, suffice) => {
            let mistakes: Vec<_> =
                access.err().into_iter().flatten().chain(suffice.err()).collect();
            config::report(&mistakes);
            return ExitCode::from(2);
        }
    };
    match run(settings, access).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::write_error(&format!("error: {}", redacted(&error.to_string())));
            exit_code(&error)
        }
    }
}
