//! Where values come from: flags, the environment, `.env`.

use std::{collections::HashMap, hash::BuildHasher};

use clap::ArgMatches;

use super::dot_env;

/// Where settings come from. A trait, so that tests use a map and never touch the process'
/// environment.
pub trait Source {
    /// The value of this name; an empty one counts as none.
    fn get(&self, name: &str) -> Option<String>;
}

impl<S: BuildHasher> Source for HashMap<&str, &str, S> {
    fn get(&self, name: &str) -> Option<String> {
        HashMap::get(self, name).map(|value| (*value).to_owned())
    }
}

/// Flags, then the environment, then `.env`.
pub struct Layers<'a> {
    flags: &'a ArgMatches,
    environment: fn(&str) -> Option<String>,
    file: HashMap<String, String>,
}

impl<'a> Layers<'a> {
    /// # Errors
    /// `.env` cannot be read; every mistake in it.
    pub fn of(flags: &'a ArgMatches) -> Result<Self, Vec<String>> {
        let environment = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
        Ok(Self { flags, environment, file: dot_env::read()? })
    }
}

impl Source for Layers<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let set = |value: &String| !value.trim().is_empty();
        let flag = self.flags.get_one::<String>(name).cloned();
        flag.filter(set)
            .or_else(|| (self.environment)(name).filter(set))
            .or_else(|| self.file.get(name).cloned())
    }
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;
    use crate::config::with_flags;

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_a_file() {
        let command = with_flags(Command::new("test"));
        let flags = command.get_matches_from(["test", "--mongo-uri", "mongodb://flag/x"]);
        let file = [("MONGO_URI", "file"), ("QUEUE_NAME", "file"), ("HOST", "file")];
        let file = file.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let environment = |name: &str| (name != "QUEUE_NAME").then(|| "environment".to_owned());
        let layers = Layers { flags: &flags, environment, file };
        assert_eq!(layers.get("MONGO_URI").as_deref(), Some("mongodb://flag/x"));
        assert_eq!(layers.get("HOST").as_deref(), Some("environment"));
        assert_eq!(layers.get("QUEUE_NAME").as_deref(), Some("file"));
    }
}
