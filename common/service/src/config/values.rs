//! What is set, by name. Groups of settings are made of it.

use std::{collections::HashMap, fmt, path::PathBuf, str::FromStr, time::Duration};

use super::{form, list::named};

/// What was given for each setting. Each value has the form of its setting, so reading it as
/// a number or flag does not fail. May hold passwords: it shows nothing.
#[derive(Clone, Default)]
pub struct Values(HashMap<&'static str, String>);

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values(…)")
    }
}

impl Values {
    pub(super) fn of(given: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self(given.into_iter().collect())
    }

    #[must_use]
    pub fn is_given(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What is given, else the default.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        let default = || named(name).map_or("", |setting| setting.default);
        self.0.get(name).map_or_else(default, String::as_str)
    }

    #[must_use]
    pub fn number<T: FromStr + Default>(&self, name: &str) -> T {
        self.text(name).parse().unwrap_or_default()
    }

    #[must_use]
    pub fn millis(&self, name: &str) -> Duration {
        Duration::from_millis(self.number(name))
    }

    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        form::flag(self.text(name)).unwrap_or_default()
    }

    /// The items of a list with commas.
    pub fn items(&self, name: &str) -> impl Iterator<Item = &str> {
        form::items(self.text(name))
    }

    #[must_use]
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(PathBuf::from)
    }
}
