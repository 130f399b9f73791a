/// A part of the protocol of calls that is broken on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BrokenCall {
    /// `fail` and `retry` are written to any pending order, whatever was loaded.
    VerdictUnfiltered,
    /// `fail` and `retry` are written without a look at the attempts.
    VerdictWithoutAttempts,
    /// `fail` and `retry` are written without a look at `retriedAt`.
    VerdictWithoutRetriedAt,
    /// The ack comes before the document is written.
    AckBeforeWrite,
    /// What is terminal when it is loaded is sent.
    SendsWhatIsTerminal,
    /// A write that finds nothing to change is written again on what is loaded now, without a look
    /// at `outcome.batch`.
    LostAnswerIsTooLate,
    /// The filter does not name `outcome.batch`: a repeated write counts a `retry` by name twice.
    AskedTwice,
    /// A retry of dead letters keeps `outcome.asked`.
    AskedIsKept,
    /// A call that faults spends an attempt.
    FaultSpends,
    /// `retry` spends an attempt, whoever succeeds.
    RetrySpends,
    /// An order fails while some order succeeded within the last minute: an attempt.
    VouchedByTheLastMinute,
    /// A success vouches by the time of its ack, not by that of its claim.
    VouchedByTheAck,
    /// A call of several orders that faults is remembered as a failure of each.
    BatchFaultIsHeldAgainstAll,
    /// An order whose attempts are spent vouches for the processor.
    ExhaustionVouches,
    /// A worker that knows no processors is given any batch.
    FormatIsNotChecked,
    /// NORMAL orders are given out in any phase.
    ClaimIgnoresTheFence,
    /// The fence does not ask for dead VIP orders.
    FenceIgnoresTheHold,
    /// Only Redis knows of the hold.
    HoldInRedisAlone,
    /// Adopting a change of control does not look at the fence.
    AdoptDoesNotAdvance,
    /// Only Redis knows of `pauseAfter`.
    CanaryInRedisAlone,
    /// `pauseAfter` counts what is terminal alone.
    CanaryCountsTerminalAlone,
    /// `pauseAfter` writes its pause over whatever is there.
    CanaryReplacesThePause,
    /// `pauseAfter` goes by what Redis has, also if control has another version.
    CanaryTrustsRedis,
    /// The end of a pause leaves `pauseAfter` as it is.
    ResumeKeepsTheCanary,
    /// The end of a person's pause ends `pauseAfter`, too.
    ResumeForgetsTheCanary,
}
