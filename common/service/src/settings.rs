//! The settings of a program: the groups that API and worker share, and the values of which
//! each makes its own. Every program checks all settings, for one `.env` serves them all.

mod address;
mod stores;
#[cfg(test)]
mod tests;

use std::time::Duration;

use clap::{ArgMatches, Command};
use pedidos_pipeline::settings::{MongoSettings, QueueSettings, RedisSettings};

use crate::{
    config::{Layers, Reader, Source, Values, refuse, report, rules, with_flags},
    listener::ListenerSettings,
    telemetry::LogSettings,
};

#[derive(Debug, Clone)]
pub struct Settings {
    pub mongo: MongoSettings,
    pub redis: RedisSettings,
    pub queue: QueueSettings,
    pub logs: LogSettings,
    pub listener: ListenerSettings,
    pub shutdown_grace: Duration,
    /// For the groups that one program alone has.
    pub values: Values,
}

impl Settings {
    /// The settings of a program that takes nothing else. Prints every mistake and ends the
    /// process with exit code 2 if there is one.
    #[must_use]
    pub fn of_program(name: &'static str, about: &'static str) -> Self {
        let command = Command::new(name).about(about).version(env!("CARGO_PKG_VERSION"));
        let flags = with_flags(command).try_get_matches();
        Self::or_exit(&flags.unwrap_or_else(|error| refuse(&error)))
    }

    /// As [`Self::of_program`], from flags that are parsed already.
    #[must_use]
    pub fn or_exit(flags: &ArgMatches) -> Self {
        Self::of_flags(flags).unwrap_or_else(|mistakes| {
            report(&mistakes);
            std::process::exit(2)
        })
    }

    /// From flags that are parsed already, the environment and `.env`.
    ///
    /// # Errors
    /// Every mistake, by name.
    pub fn of_flags(flags: &ArgMatches) -> Result<Self, Vec<String>> {
        Layers::of(flags).and_then(|layers| Self::read(&layers))
    }

    /// Reads and checks all settings.
    ///
    /// # Errors
    /// Every mistake, by name.
    pub fn read(source: &dyn Source) -> Result<Self, Vec<String>> {
        let mut reader = Reader::new(source);
        let settings = Self {
            mongo: stores::mongo(&mut reader),
            redis: stores::redis(&mut reader),
            queue: stores::queue(&reader.values),
            logs: LogSettings::read(&mut reader),
            listener: ListenerSettings::read(&mut reader),
            shutdown_grace: reader.values.millis("SHUTDOWN_GRACE_MS"),
            values: reader.values.clone(),
        };
        rules::check(&mut reader);
        reader.finish().map(|()| settings)
    }
}
