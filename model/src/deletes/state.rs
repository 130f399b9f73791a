//! The documents in MongoDB, and what each process holds.

use super::{COMMANDS, Deletes, HELD};

/// The run that control names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Named {
    /// The one that may be deleted.
    Run,
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Control {
    pub version: u8,
    pub of: Named,
    pub active: bool,
}

/// The run document of the run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Document {
    /// Of control, when it was written or marked.
    pub version: u8,
    /// The run is being deleted: nobody sees it.
    pub marked: bool,
}

/// The import of the run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Import {
    /// The run is generated.
    None,
    Started,
    Deleted,
    Gone,
}

/// How far a command is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Request {
    pub step: u8,
    /// Control as it was read.
    pub version: u8,
    pub over: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "what is there, and what may still happen")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct State {
    pub control: Control,
    pub document: Option<Document>,
    pub import: Import,
    /// There are orders of the run.
    pub stored: bool,
    pub requests: [Request; COMMANDS],
    pub sweep: Request,
    /// Versions of control that name the run, each held by a process that may write its run document
    /// late; 0: none.
    pub held: [u8; HELD],
    /// What a member of the replica set that is behind has as run document.
    #[expect(clippy::option_option, reason = "no member is behind, or one that has no document")]
    pub behind: Option<Option<Document>>,
    /// Faults that may still happen.
    pub crashes: u8,
    pub holds: bool,
    pub late: bool,
    pub stale: bool,
    pub bug: Option<&'static str>,
}

/// The version of control under which the run ended.
const ENDED: u8 = 2;

impl State {
    pub fn first(system: &Deletes) -> Self {
        Self {
            control: Control { version: ENDED + 1, of: Named::Other, active: false },
            document: Some(Document { version: ENDED, marked: false }),
            import: if system.imported { Import::Started } else { Import::None },
            stored: true,
            requests: [Request::default(); COMMANDS],
            sweep: Request::default(),
            held: [if system.held { ENDED } else { 0 }, 0],
            behind: None,
            crashes: system.crashes,
            holds: system.holds,
            late: system.late,
            stale: system.stale,
            bug: None,
        }
    }

    /// Writes the run document of a version of control that names the run, unless there is one of a later
    /// version: `save_run`.
    pub fn save(&mut self, version: u8) {
        if self.document.is_none_or(|document| document.version <= version) {
            self.document = Some(Document { version, marked: false });
        }
    }
}
