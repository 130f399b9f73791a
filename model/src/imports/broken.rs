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
    /// Start reads the import before the run document, and does not compare and set one that was
    /// started.
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
    /// The sweep finishes a start without looking for an active run.
    SweepStartsBesideARun,
    /// A start that is busy sets the import back to sealed.
    BusyStartSetsItBack,
    /// The sweep looks for strays in the first import that has pending orders, and in no other.
    SweepLooksAtOneImport,
    /// A discard deletes from the first id of its range on.
    DiscardHasNoEnd,
    /// A start that has read a started import does not compare and set it.
    StartTrustsItsRead,
    /// A start reads the run document from a member that is behind.
    RunDocumentReadBehind,
    /// An upload raises the attempt without comparing the lines that it has read.
    RaiseTrustsItsRead,
    /// A block whose ref was taken is done again with the check, under the same attempt.
    RedoneUnderTheSameAttempt,
}
