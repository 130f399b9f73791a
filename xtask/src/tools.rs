//! The versions that `tools.env` pins.

use crate::failure::{Failure, Result};

const PINNED: &str = include_str!("../tools.env");

/// The version of NAME_VERSION.
pub(crate) fn version(name: &str) -> Result<&'static str> {
    let mut lines = PINNED.lines();
    lines
        .find_map(|line| line.strip_prefix(name)?.strip_prefix("_VERSION="))
        .ok_or_else(|| Failure::new(format!("xtask/tools.env has no {name}_VERSION")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_version_is_found_by_its_whole_name() {
        assert_eq!(version("NODE").unwrap(), "22");
        assert!(version("NOD").is_err());
        assert!(version("").is_err());
    }

    #[test]
    fn every_line_is_one_that_a_shell_reads_as_the_same() {
        for line in PINNED.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, version) = line.split_once('=').unwrap();
            assert!(name.ends_with("_VERSION"), "{line}");
            let plain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
            assert!(!version.is_empty() && version.chars().all(plain), "{line}");
        }
    }
}
