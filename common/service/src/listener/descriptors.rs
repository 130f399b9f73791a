//! Checks RLIMIT_NOFILE at the start: a process without file descriptors left can neither read
//! its keys nor reach its stores.

use std::fs;

/// What else a process opens: log files, keys, certificates, connections to the stores.
const OTHERS: u64 = 100;

/// Is there a file descriptor for each of so many connections, and for so many more things?
///
/// # Errors
/// There is not; the error says what to do.
pub fn suffice(max_connections: u32, more: u32) -> Result<(), String> {
    // A system without /proc does not say.
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    soft_limit(&limits).map_or(Ok(()), |limit| within(limit, max_connections, more))
}

/// None: there is no limit.
fn soft_limit(limits: &str) -> Option<u64> {
    let rest = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    rest.split_whitespace().next()?.parse().ok()
}

fn within(limit: u64, max_connections: u32, more: u32) -> Result<(), String> {
    let needed = u64::from(max_connections) + u64::from(more) + OTHERS;
    if needed <= limit {
        return Ok(());
    }
    let fits = limit.saturating_sub(needed - u64::from(max_connections));
    let lower = if fits > 0 { format!(", or set MAX_CONNECTIONS={fits}") } else { String::new() };
    Err(format!(
        "MAX_CONNECTIONS: {max_connections} connections and all else take {needed} file \
         descriptors, and this process may have {limit}: raise the limit (ulimit -n {needed}){lower}"
    ))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_read_as_the_kernel_says_it() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max processes             95288                95288                processes\n\
                      Max open files            1024                 524288               files\n";
        assert_eq!(soft_limit(limits), Some(1_024));
        assert_eq!(soft_limit(&limits.replace("1024 ", "unlimited ")), None);
        assert_eq!(soft_limit(""), None);
    }

    #[test]
    fn what_does_not_fit_is_said_with_what_would() {
        assert_eq!(within(1_024, 800, 25), Ok(()));
        assert_eq!(within(925, 800, 25), Ok(()));
        let said = within(512, 800, 25).unwrap_err();
        assert!(said.contains("ulimit -n 925") && said.contains("MAX_CONNECTIONS=387"), "{said}");
        assert!(!within(64, 800, 0).unwrap_err().contains("or set"));
    }
}
