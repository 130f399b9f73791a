//! Signals that ask a command to end: it then ends what it has started.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::failure::{Context, Failure, Result};

/// Whether a signal came, and with which exit code it is answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicU8>);

impl Interrupt {
    pub fn code(&self) -> Option<u8> {
        Some(self.0.load(Ordering::Relaxed)).filter(|code| *code != 0)
    }

    /// Ends the command if a signal came.
    pub fn check(&self) -> Result {
        self.code().map_or(Ok(()), |code| Err(Failure::silent(code)))
    }
}

/// From now on no signal ends this process by itself: the first is noted, and `tell` gets each.
pub(crate) fn listen(tell: impl Fn(u8) + Send + 'static) -> Result<Interrupt> {
    let interrupt = Interrupt::default();
    let ignored = ignored();
    // What nohup, or a shell for a job in the background, has it ignore stays so.
    let heard = [SIGINT, SIGTERM, SIGHUP];
    let heard = heard.into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0);
    let mut signals = Signals::new(heard).context("signals")?;
    let noted = interrupt.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            // A hangup is answered like SIGTERM.
            let code = if signal == SIGINT { 130 } else { 143 };
            let _ = noted.0.compare_exchange(0, code, Ordering::Relaxed, Ordering::Relaxed);
            tell(code);
        }
    });
    Ok(interrupt)
}

/// One bit for each signal that this process ignores.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
