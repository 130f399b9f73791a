//! `scripts/services`.

use std::{
    ffi::OsString,
    fs::{self, File},
};

use super::{Server, Services, redis_server, secantus};
use crate::{
    command::{exit_code, print, say},
    events::{Event, Events, in_own_session},
    failure::{Context, Failure, Result, fail},
    process,
};

const USAGE: &str = "\
A private Redis and a private MongoDB-protocol server for this clone.

  services up            start what does not run yet
  services down          stop what was started here; data stay
  services status        what runs, where; exit code 3 if anything is missing
  services env           lines for: eval \"$(scripts/services env)\"
  services pid NAME      process id of redis or mongo, if it was started here
  services redis-server  path of that program, installed if there is none, for tests
                         that need several
  services secantusd-rs  the same for the MongoDB-protocol server
  services with CMD...   up, CMD with MONGO_URI and REDIS_URL set, then down
                         what this call started
  services install       install what up would, and start nothing

Taken, in this order: MONGO_URI / REDIS_URL from the environment (nothing is
started), the program on PATH ($MONGOD for mongod), Docker, else installed:
Redis by apt-get, for MongoDB secantusd-rs by cargo.
Everything is kept in SERVICES_DIR (default .local/services): remove that folder,
after `down`, to start over with empty servers.";

/// Answers the exit code.
pub(crate) fn command_line(arguments: &[OsString]) -> Result<u8> {
    let services = Services::of_environment();
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    match words.iter().map(AsRef::as_ref).collect::<Vec<_>>().as_slice() {
        ["up"] => services.up()?,
        ["install"] => services.install()?,
        ["down"] => services.down(&Server::ALL)?,
        ["status"] => {
            let (lines, both) = services.status();
            print(&lines)?;
            return Ok(if both { 0 } else { 3 });
        }
        ["env"] => {
            let mongo = quoted(&services.address(Server::Mongo)?);
            let redis = quoted(&services.address(Server::Redis)?);
            print(&format!("export MONGO_URI={mongo} REDIS_URL={redis}\n"))?;
        }
        ["pid", name] => match Server::named(name).and_then(|server| services.pid(server)) {
            Some(pid) => print(&format!("{pid}\n"))?,
            None => return Ok(1),
        },
        ["redis-server"] => print(&format!("{}\n", redis_server()?.display()))?,
        ["secantusd-rs"] => print(&format!("{}\n", secantus()?.display()))?,
        ["with", _, ..] => return with(services, &arguments[1..]),
        _ => {
            say(USAGE);
            return Ok(2);
        }
    }
    Ok(0)
}

/// As a shell reads it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/:._-@,=+%".contains(c);
    if text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Runs the command in a session of its own, so that Ctrl-C comes here alone; it is
/// passed on once, as SIGTERM to all that the command started.
fn with(mut services: Services, command: &[OsString]) -> Result<u8> {
    let events = Events::listen()?;
    services.interrupt = events.interrupt.clone();
    let file = services.state.join("users");
    fs::create_dir_all(&services.state).context(services.state.display())?;
    let users = File::options().create(true).append(true).open(&file).context(file.display())?;
    users.lock_shared().context(file.display())?;
    let mut started = Vec::new();
    let result = services
        .up_noting(&mut started)
        .and_then(|()| events.interrupt.check())
        .and_then(|()| run(&services, &events, command));
    let left = leave(&services, &users, &started);
    // Why the command failed matters more.
    result.and_then(|code| left.map(|()| code))
}

fn run(services: &Services, events: &Events, command: &[OsString]) -> Result<u8> {
    let [program, arguments @ ..] = command else { return fail("with what command?") };
    let mut child = in_own_session(program);
    child.args(arguments);
    child.env("MONGO_URI", services.address(Server::Mongo)?);
    child.env("REDIS_URL", services.address(Server::Redis)?);
    let pid = events.start(&mut child)?;
    let mut signal = None;
    loop {
        match events.next()? {
            Event::Signal(code) if signal.is_none() => {
                signal = Some(code);
                let pid = i64::from(pid);
                // There is no such group yet if the session is only just being made.
                let _ = process::signal("TERM", &[-pid]) || process::signal("TERM", &[pid]);
            }
            Event::Ended(ended, status) if ended == pid => {
                let code = exit_code(status);
                return Ok(signal.filter(|_| code == 143).unwrap_or(code));
            }
            Event::Signal(_) | Event::Ended(..) => {}
        }
    }
}

/// Stops what this call has started, unless another command uses it.
fn leave(services: &Services, users: &File, started: &[Server]) -> Result {
    if started.is_empty() {
        return Ok(());
    }
    if users.try_lock().is_ok() {
        return services.down(started);
    }
    say("services: left running, another command uses them (make services-down stops them)");
    Ok::<_, Failure>(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_what_was_quoted_as_it_was() {
        assert_eq!(quoted("redis://127.0.0.1:2000"), "redis://127.0.0.1:2000");
        assert_eq!(quoted("mongodb://a/b?c=d&e='f'"), r"'mongodb://a/b?c=d&e='\''f'\'''");
    }
}
