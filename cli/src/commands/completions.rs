//! `pedidos completions`: what a shell completes.

use clap_complete::{Shell as Generator, generate};
use serde_json::json;

use crate::{
    args::{Cli, Shell},
    failure::Result,
    output,
};

pub fn run(shell: Shell) -> Result<()> {
    let (name, script) = script(shell);
    if output::is_json() {
        return output::json(&json!({ "shell": name, "script": script }).to_string());
    }
    output::line(script.trim_end())
}

/// The name of the shell, and what it is to read.
fn script(shell: Shell) -> (&'static str, String) {
    let (name, generator) = match shell {
        Shell::Bash => ("bash", Generator::Bash),
        Shell::Zsh => ("zsh", Generator::Zsh),
        Shell::Fish => ("fish", Generator::Fish),
    };
    let mut script = Vec::new();
    generate(generator, &mut Cli::definition(), "pedidos", &mut script);
    (name, String::from_utf8_lossy(&script).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_every_command_and_the_options() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let (name, script) = script(shell);
            for command in Cli::definition().get_subcommands() {
                let verb = command.get_name();
                assert!(script.contains(verb), "{name} does not name {verb}");
                for verb in command.get_subcommands().map(clap::Command::get_name) {
                    assert!(script.contains(verb), "{name} does not name {verb}");
                }
            }
            assert!(script.contains("idempotency-key") && script.contains("json"), "{name}");
        }
    }
}
