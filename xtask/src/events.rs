//! What a command that has started others waits for.

use std::{
    io,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

use crate::{
    failure::{Context, Failure, Result},
    signals::{self, Interrupt},
};

pub(crate) enum Event {
    /// A signal; how it is answered.
    Signal(u8),
    Ended(u32, ExitStatus),
}

pub(crate) struct Events {
    sender: Sender<Event>,
    receiver: Receiver<Event>,
    pub interrupt: Interrupt,
}

impl Events {
    pub fn listen() -> Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let tell = sender.clone();
        let interrupt = signals::listen(move |code| drop(tell.send(Event::Signal(code))))?;
        Ok(Self { sender, receiver, interrupt })
    }

    /// Starts it, and tells of its end.
    pub fn start(&self, command: &mut Command) -> Result<u32> {
        let child = command.spawn().context(command.get_program().display())?;
        let sender = self.sender.clone();
        Ok(wait_in_a_thread(child, move |id, status| {
            if let Ok(status) = status {
                // If nobody waits for it any more, it does not matter.
                let _ = sender.send(Event::Ended(id, status));
            }
        }))
    }

    pub fn next(&self) -> Result<Event> {
        self.receiver.recv().map_err(|_| Failure::new("nothing is left to wait for"))
    }
}

/// So that it leaves no zombie. Answers its process id.
pub(crate) fn wait_in_a_thread(
    mut child: Child,
    ended: impl FnOnce(u32, io::Result<ExitStatus>) + Send + 'static,
) -> u32 {
    let id = child.id();
    thread::spawn(move || ended(id, child.wait()));
    id
}

/// The command in a session of its own, so that Ctrl-C comes to us alone.
pub(crate) fn in_own_session(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("setsid");
    command.arg(program);
    command
}

/// The same with its output in a file.
pub(crate) fn logged(command: &mut Command, log: std::fs::File) -> Result {
    let second = log.try_clone().context("a log")?;
    command.stdin(Stdio::null()).stdout(log).stderr(second);
    Ok(())
}
