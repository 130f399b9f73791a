//! Metrics of this process, from Linux. A system without /proc has none.

use std::fs;

use super::{
    list::{CPU_SECONDS, MAX_FDS, OPEN_FDS, RESIDENT, START_TIME, THREADS, VIRTUAL},
    text::Text,
};

/// Linux counts times in hundredths of a second on every current machine.
const TICKS: f64 = 100.0;

/// Memory of this process that is in RAM.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    number(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:").map(|kib| kib * 1024)
}

pub(super) fn write(text: &mut Text) {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let (stat, status) = (read("/proc/self/stat"), read("/proc/self/status"));
    // The name may have blanks in it; what follows its bracket has none.
    let fields: Vec<&str> =
        stat.rsplit_once(')').map_or_else(Vec::new, |(_, rest)| rest.split_whitespace().collect());
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok().map(|ticks| ticks / TICKS);
    let bytes = |name| number(&status, name).map(|kib| (kib * 1024) as f64);
    let booted = number(&read("/proc/stat"), "btime").map(|booted| booted as f64);
    // Reading the folder opens one more.
    let open = fs::read_dir("/proc/self/fd").ok().map(|open| open.count() as f64 - 1.0);
    let limits = read("/proc/self/limits");
    for (name, value) in [
        (CPU_SECONDS, ticks(11).zip(ticks(12)).map(|(user, system)| user + system)),
        (RESIDENT, bytes("VmRSS:")),
        (VIRTUAL, bytes("VmSize:")),
        (OPEN_FDS, open),
        (MAX_FDS, number(&limits, "Max open files").map(|most| most as f64)),
        (THREADS, number(&status, "Threads:").map(|threads| threads as f64)),
        (START_TIME, booted.zip(ticks(19)).map(|(booted, after)| booted + after)),
    ] {
        if let Some(value) = value {
            text.one(name, value);
        }
    }
}

/// The first number of the line that begins so.
fn number(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_told_and_plausible() {
        let mut text = Text::default();
        write(&mut text);
        let text = text.into_string();
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.parse::<f64>().ok()).unwrap_or(-1.0)
        };
        assert!(of(CPU_SECONDS) >= 0.0, "{text}");
        assert!(of(RESIDENT) > 100_000.0 && of(RESIDENT) < of(VIRTUAL), "{text}");
        assert!(of(OPEN_FDS) >= 3.0 && of(OPEN_FDS) < of(MAX_FDS), "{text}");
        assert!(of(THREADS) >= 1.0, "{text}");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.map_or(0.0, |now| now.as_secs_f64());
        assert!(of(START_TIME) > 1.6e9 && of(START_TIME) < now + 60.0, "{text}");
    }
}
