//! Prometheus text of metrics that are computed when they are scraped.

use std::fmt::Write;

use super::list::named;

#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// A metric without labels.
    pub fn one(&mut self, name: &str, value: f64) {
        self.all(name, [([], value)]);
    }

    /// A metric with its labels' values, in the order of the list. They are names of ours, and need
    /// no escaping.
    pub fn all<'a, const N: usize>(
        &mut self,
        name: &str,
        samples: impl IntoIterator<Item = ([&'a str; N], f64)>,
    ) {
        let Some(metric) = named(name) else {
            debug_assert!(false, "{name} is not in the list");
            return;
        };
        let kind = metric.kind.as_str();
        self.put(format_args!("# HELP {name} {}\n# TYPE {name} {kind}\n", metric.help));
        for (values, value) in samples {
            debug_assert_eq!(metric.labels.len(), N, "{name}");
            let labels = metric.labels.iter().zip(values);
            let labels: Vec<_> =
                labels.map(|(label, value)| format!("{label}=\"{value}\"")).collect();
            if labels.is_empty() {
                self.put(format_args!("{name} {value}\n"));
            } else {
                self.put(format_args!("{name}{{{}}} {value}\n", labels.join(",")));
            }
        }
        self.put(format_args!("\n"));
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _written = self.0.write_fmt(text);
    }

    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{PAUSED, STORE_UP};

    #[test]
    fn families_are_written_with_help_type_and_labels() {
        let mut text = Text::default();
        text.one(PAUSED, 0.0);
        text.all(STORE_UP, [(["redis"], 1.0), (["mongodb"], 0.5)]);
        let text = text.into_string();
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("# HELP")).collect();
        assert_eq!(
            lines,
            [
                "# TYPE pedidos_paused gauge",
                "pedidos_paused 0",
                "",
                "# TYPE pedidos_store_up gauge",
                "pedidos_store_up{store=\"redis\"} 1",
                "pedidos_store_up{store=\"mongodb\"} 0.5",
                "",
            ]
        );
        assert_eq!(text.matches("# HELP").count(), 2);
    }
}
