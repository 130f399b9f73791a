//! Processes of this system, by their ids.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How often a state is read that no event tells of.
pub(crate) const POLL: Duration = Duration::from_millis(20);

fn status(pid: u32, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mut lines = status.lines();
    lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()))
}

/// Does it run? A zombie does not.
pub fn is_alive(pid: u32) -> bool {
    status(pid, "State").is_some_and(|state| !state.starts_with('Z'))
}

/// Memory of it by the kernel's name, in KiB: VmRSS is what it has now, VmHWM the most that it had.
pub fn memory_kib(pid: u32, name: &str) -> Option<u64> {
    status(pid, name)?.split_whitespace().next()?.parse().ok()
}

/// The folder that it works in.
pub(crate) fn folder(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

/// The program that it runs; one that was replaced since is still named.
pub(crate) fn program(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// Sends a signal, by name, to processes. Minus an id means a process group.
pub fn signal(name: &str, to: &[i64]) -> bool {
    // The shell's own: not every Debian has the program.
    let ids = to.iter().map(ToString::to_string);
    let mut kill = Command::new("bash");
    kill.args(["-c", "kill -s \"$@\"", "kill", name, "--"]).args(ids);
    kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    kill.status().is_ok_and(|status| status.success())
}

/// Waits until it has ended. No, if it has not in time.
pub(crate) fn wait_for_end(pid: u32, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    while is_alive(pid) {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(POLL);
    }
    true
}

/// All that it has started, and they in turn.
pub(crate) fn descendants(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut all = Vec::new();
    for thread in threads {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
            all.extend(descendants(child));
            all.push(child);
        }
    }
    all
}

/// Where a program listens, once its log says so. Nothing if it has ended, or time has.
pub(crate) fn listening(log: &Path, limit: Duration, runs: impl Fn() -> bool) -> Option<String> {
    let deadline = Instant::now() + limit;
    loop {
        // In this order: what it said before it ended counts.
        let ended = !runs();
        let said = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
        if let Some(url) = said.split_inclusive('\n').find_map(url_in) {
            return Some(url.to_owned());
        }
        if ended || Instant::now() > deadline {
            return None;
        }
        thread::sleep(POLL);
    }
}

fn url_in(line: &str) -> Option<&str> {
    // A line that is not complete may have half an address.
    let after = line.strip_suffix('\n')?.split_once("listening on ")?.1;
    let url = after.split_whitespace().next()?;
    (url.starts_with("http://") || url.starts_with("https://")).then_some(url)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_a_whole_line() {
        assert_eq!(url_in("listening on http://[::1]:3000\n"), Some("http://[::1]:3000"));
        assert_eq!(url_in("x listening on https://a:1 y\n"), Some("https://a:1"));
        assert_eq!(url_in("listening on http://127.0.0.1:30"), None);
        assert_eq!(url_in("listening on port 3000\n"), None);
    }

    #[test]
    fn a_process_is_followed_to_its_end() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id();
        assert!(is_alive(pid) && memory_kib(pid, "VmHWM").is_some());
        assert!(descendants(std::process::id()).contains(&pid));
        assert!(!wait_for_end(pid, Duration::ZERO));
        assert!(signal("TERM", &[i64::from(pid)]));
        assert!(wait_for_end(pid, Duration::from_secs(10)));
        child.wait().unwrap();
        assert!(!is_alive(pid));
    }
}
