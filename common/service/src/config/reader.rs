//! Reads all settings and continues after a mistake, so that all are reported at once.

use pedidos_core::redact::redacted;

use super::{form::Form, list::SETTINGS, source::Source, values::Values};

/// What is set, and what is wrong with it so far.
pub struct Reader {
    pub values: Values,
    mistakes: Vec<String>,
}

impl Reader {
    /// Takes what the source has for each setting, and checks its form. Empty is unset,
    /// wherever it was set.
    pub fn new(source: &dyn Source) -> Self {
        let given = SETTINGS.iter().filter_map(|setting| {
            let value = source.get(setting.name)?;
            let value = value.trim();
            (!value.is_empty()).then(|| (setting.name, value.to_owned()))
        });
        let mut reader = Self { values: Values::of(given), mistakes: Vec::new() };
        for setting in SETTINGS {
            reader.check(setting.name, setting.form);
        }
        reader
    }

    /// Is its value of this form? None is of any.
    pub fn check(&mut self, name: &str, form: Form) {
        let text = self.values.text(name);
        let mistakes = if text.is_empty() { Vec::new() } else { form.mistakes(name, text) };
        for mistake in mistakes {
            self.wrong(name, &mistake);
        }
    }

    /// Notes what is wrong with this setting.
    pub fn wrong(&mut self, name: &str, mistake: &str) {
        self.note(&format!("{name}: {mistake}"));
    }

    /// Notes a mistake that names its setting, once, and without the passwords of addresses in
    /// it.
    pub fn note(&mut self, mistake: &str) {
        let mistake = redacted(mistake).into_owned();
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
    }

    /// Is nothing wrong with these? A value with a mistake of its own is not also
    /// reported to contradict another.
    pub fn are_sound(&self, names: &[&str]) -> bool {
        let about = |name: &str, mistake: &str| {
            mistake.strip_prefix(name).is_some_and(|rest| rest.starts_with(':'))
        };
        !self.mistakes.iter().any(|mistake| names.iter().any(|name| about(name, mistake)))
    }

    /// # Errors
    /// Every mistake, by name.
    pub fn finish(self) -> Result<(), Vec<String>> {
        if self.mistakes.is_empty() { Ok(()) } else { Err(self.mistakes) }
    }
}
