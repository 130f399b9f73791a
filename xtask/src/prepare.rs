//! Builds with a command, and meanwhile installs the servers that are missing.

use std::{
    env,
    ffi::OsString,
    process::{Command, Stdio, id},
    time::Instant,
};

use crate::{
    command::{exit_code, say},
    events::{Event, Events},
    failure::{Context, Failure, Result},
    process,
    project::Project,
};

pub(crate) fn prepare(project: &Project, command: &[OsString]) -> Result {
    let [program, arguments @ ..] = command else { return Ok(()) };
    let began = Instant::now();
    let (events, what) = (Events::listen()?, command.join(" ".as_ref()));
    let mut install = Command::new(env::current_exe().context("this program")?);
    let installing = events.start(install.args(["services", "install"]))?;
    let mut build = Command::new(program);
    events.start(build.args(arguments).current_dir(&project.root))?;
    let mut left = 2;
    while left > 0 {
        match events.next()? {
            Event::Signal(code) => return end(Failure::silent(code)),
            // Whichever fails first ends the other.
            Event::Ended(pid, status) if !status.success() => {
                let what = what.to_string_lossy();
                let what = if pid == installing { "scripts/services install" } else { &what };
                let message = format!("{what} failed, for the reason above");
                return end(Failure { message, code: exit_code(status) });
            }
            Event::Ended(pid, _) => {
                left -= 1;
                if left == 1 && pid != installing {
                    say(&format!(
                        "built after {} s; servers are still being installed; the log of the \
                         MongoDB one is .local/secantus.log",
                        began.elapsed().as_secs()
                    ));
                    let mut tail = Command::new("tail");
                    tail.args(["-n", "0", &format!("--pid={installing}"), "-F"]);
                    tail.arg(project.local("secantus.log")).stdin(Stdio::null());
                    tail.stdout(std::io::stderr()).stderr(Stdio::null());
                    // It ends by itself, a moment later.
                    let _ = tail.spawn();
                }
            }
        }
    }
    say(&format!("everything is built and installed after {} s", began.elapsed().as_secs()));
    Ok(())
}

fn end(why: Failure) -> Result {
    let all: Vec<_> = process::descendants(id()).into_iter().map(i64::from).collect();
    process::signal("TERM", &all);
    Err(why)
}
