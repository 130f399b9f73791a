//! What is told of a run that has ended well.

use std::{
    env,
    fmt::Write as _,
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::Duration,
};

use super::processes::Processes;
use crate::{
    command::quietly,
    process,
    services::{Server, Services},
};

pub(super) fn all(status: &str, processes: &Processes, redis_before: Option<u64>) -> String {
    let services = Services::of_environment();
    let mut lines = first_order(status).unwrap_or_default();
    lines += &machine();
    lines += &services.status().0;
    lines += "peak memory (VmHWM):\n";
    let ours = processes.running.iter().map(|(pid, name)| (Some(*pid), name.as_str()));
    let theirs = Server::ALL.map(|server| (services.pid(server), server.name()));
    for (pid, name) in ours.chain(theirs) {
        if let Some(peak) = pid.and_then(|pid| process::memory_kib(pid, "VmHWM")) {
            let _ = writeln!(lines, "  {name:<10} {}", mib(peak * 1024));
        }
    }
    if let (Some(before), Some(peak)) = (redis_before, redis_memory("used_memory_peak")) {
        let _ = writeln!(
            lines,
            "Redis' used_memory: {} at its peak since the server started, {} before this run",
            mib(peak),
            mib(before)
        );
    }
    lines
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}

/// When the first VIP order of the run was taken, after make run began.
fn first_order(status: &str) -> Option<String> {
    let processing = status.split_once("\"processing\":{")?.1.split('}').next()?;
    let at = processing.split_once("\"start\":\"")?.1.split('"').next()?;
    let began: i64 = env::var("MAKE_BEGAN").ok()?.parse().ok()?;
    let at: i64 = quietly(Command::new("date").args(["-d", at, "+%s"])).parse().ok()?;
    Some(format!("first order: {} s after make run began\n", at - began))
}

fn machine() -> String {
    let of = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()));
        value.unwrap_or_default()
    };
    let memory = of("/proc/meminfo", "MemTotal");
    let memory = memory.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok());
    format!(
        "machine: {} cores, {}, {:.0} GiB\n",
        quietly(&mut Command::new("nproc")),
        of("/proc/cpuinfo", "model name"),
        memory.unwrap_or(0.0) / 1_048_576.0
    )
}

/// A field of INFO memory, in bytes. Nothing, if Redis is not ours.
pub(super) fn redis_memory(field: &str) -> Option<u64> {
    let services = Services::of_environment();
    services.pid(Server::Redis)?;
    let mut stream = TcpStream::connect(("127.0.0.1", services.port(Server::Redis)?)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream.write_all(b"INFO memory\r\nQUIT\r\n").ok()?;
    let mut said = String::new();
    stream.read_to_string(&mut said).ok()?;
    let value = said.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_processing_is_not_another_start() {
        let status = r#"{"times":{"generating":{"start":"x"},"processing":{"end":"y"}}}"#;
        assert_eq!(first_order(status), None);
        assert_eq!(mib(1_572_864), "1.5 MiB");
    }
}
