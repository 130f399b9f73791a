//! Ends what make run and services-up of this clone left running, and nothing else.

use std::{
    fs::{self, File},
    time::Duration,
};

use crate::{
    command::say,
    failure::{Context, Failure, Result, fail},
    process,
    project::Project,
    services::{Server, Services},
};

/// What a `make run` keeps in its folder.
pub(crate) const LOCK: &str = "lock";
pub(crate) const OWN_PID: &str = "run.pid";
/// A line for each process: its id, and the program that it runs.
pub(crate) const PIDS: &str = "pids";

pub(crate) fn stop(project: &Project) -> Result {
    let folder = project.run_dir();
    fs::create_dir_all(&folder).context(folder.display())?;
    let file = folder.join(LOCK);
    let lock = File::options().create(true).append(true).open(&file).context(file.display())?;
    if lock.try_lock().is_err() {
        // It is held by a make run, which cleans up itself.
        let pid = fs::read_to_string(folder.join(OWN_PID)).unwrap_or_default();
        let pid = pid.trim().parse();
        let pid =
            pid.map_err(|_| Failure::new("make run is active, and has noted no process id"))?;
        say(&format!("stopping make run (process {pid})"));
        process::signal("TERM", &[i64::from(pid)]);
        if !process::wait_for_end(pid, Duration::from_mins(2)) {
            return fail(format!("make run (process {pid}) does not end"));
        }
    }
    leftovers(project)?;
    Services::of_environment().down(&Server::ALL)
}

/// Ends the processes of a make run that was itself killed. A process id may be somebody
/// else's by now: it counts only while it still runs the program noted.
pub(crate) fn leftovers(project: &Project) -> Result {
    let pids = project.run_dir().join(PIDS);
    for line in fs::read_to_string(&pids).unwrap_or_default().lines() {
        let Some((Ok(pid), program)) = line.split_once(' ').map(|(pid, of)| (pid.parse(), of))
        else {
            continue;
        };
        let runs = process::program(pid).unwrap_or_default();
        if !process::is_alive(pid) || !runs.to_string_lossy().starts_with(program) {
            continue;
        }
        say(&format!("stopping {program} (process {pid}), left by an earlier make run"));
        process::signal("TERM", &[i64::from(pid)]);
        if !process::wait_for_end(pid, Duration::from_mins(1)) {
            return fail(format!("process {pid} does not end"));
        }
    }
    let _ = fs::remove_file(pids);
    Ok(())
}
