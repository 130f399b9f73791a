/// A part of the protocol of imports that is broken on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BrokenImport {
    /// An uploader deletes an order of another without comparing attempts.
    DeleteWithoutAttempt,
    /// Uploads have no attempt: an order that is there is taken for one's own.
    NoAttempt,
    /// An attempt whose number was lost with the answer is read back.
    AttemptReadBack,
    /// Start sets control before it sets the import.
    StartSetsControlFirst,
    /// Start reads the import before the run document.
    StartReadsImportFirst,
    /// A `ref` is taken by any order that is stored, accepted or not.
    RefOfUncommitted,
    /// A block is known by its first index instead of its first line.
    BlocksByIndex,
    /// A chunk of the run reads beyond what was accepted.
    ChunkReadsPastAccepted,
    /// A cancel marks and counts beyond what was accepted.
    CancelReadsPastAccepted,
    /// A chunk inserts an order that is not there, as that of a generated run does.
    ChunkInserts,
    /// Create compares `lastRunAt` alone, and does not raise the version of control.
    CreateByLastRun,
    /// Deleting a run takes its run document first.
    DeleteTakesRunFirst,
}
