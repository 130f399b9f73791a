import type { Job } from "../api/client";
import { useTranslation } from "../i18n";
import { price } from "../lib/format";

export function Priority({ of }: { of: string | null | undefined }) {
  if (!of) return null;
  return (
    <span className={`rounded-md px-1.5 py-0.5 text-xs font-semibold ${of === "VIP" ? "bg-vip-wash text-vip" : "bg-normal-wash text-normal"}`}>{of}</span>
  );
}

export function Table({ jobs, onOpen }: { jobs: readonly Job[]; onOpen: (job: Job) => void }) {
  const { t, time, n, language } = useTranslation();
  const failed = jobs.some((job) => job.state === "failed");
  const head = "px-3 py-2.5 text-xs font-medium text-soft whitespace-nowrap";
  const cell = "px-3 py-2 align-middle";
  return (
    <div className="panel overflow-x-auto" tabIndex={0} role="region" aria-label={t("jobs")}>
      <table className="w-full text-sm">
        <thead className="border-b border-line">
          <tr>
            <th className={`${head} text-start`}>{t("jobs.id")}</th>
            <th className={`${head} text-start`}>{t("jobs.priority")}</th>
            <th className={`${head} text-start hidden md:table-cell`}>{t("jobs.customer")}</th>
            <th className={`${head} text-end lg:table-cell ${failed ? "hidden" : ""}`}>{t("jobs.value")}</th>
            {failed ? <th className={`${head} text-start`}>{t("jobs.error")}</th> : <th className={`${head} text-start hidden sm:table-cell`}>{t("jobs.stored")}</th>}
            <th className={`${head} text-start hidden sm:table-cell`}>{failed ? t("jobs.attempts") : t("jobs.when")}</th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {jobs.map((job) => {
            const { data, chunk } = job;
            const when = job.finishedOn ?? job.processedOn;
            return (
              <tr key={`${job.state} ${job.id}`} className="hover:bg-sunk/60">
                <td className={cell}>
                  {chunk ? (
                    <span className="text-soft">{t("jobs.chunk", { from: chunk.from, to: chunk.to - 1 })}</span>
                  ) : (
                    <button type="button" onClick={() => onOpen(job)} className="rounded font-mono text-xs whitespace-nowrap underline decoration-quiet underline-offset-4 hover:decoration-ink sm:text-sm">
                      <span className="sm:hidden">{`${job.id.slice(0, 8)}…${job.id.slice(-5)}`}</span>
                      <span className="hidden sm:inline">{job.id}</span>
                    </button>
                  )}
                </td>
                <td className={cell}>
                  <Priority of={data?.priority} />
                </td>
                <td className={`${cell} hidden whitespace-nowrap md:table-cell`}>{data?.cliente ?? ""}</td>
                <td className={`${cell} text-end lg:table-cell ${failed ? "hidden" : ""}`}>{data?.valor != null ? price(data.valor, language) : ""}</td>
                {failed ? (
                  <td className={`${cell} text-bad sm:max-w-64 sm:truncate`} title={job.failedReason ?? ""}>
                    {job.failedReason}
                  </td>
                ) : (
                  <td className={`${cell} hidden whitespace-nowrap sm:table-cell`}>{job.timestamp !== null ? time(job.timestamp) : ""}</td>
                )}
                <td className={`${cell} hidden whitespace-nowrap sm:table-cell`}>
                  {failed ? n(job.attemptsMade) : when !== null ? time(when) : job.attemptsMade > 0 ? t("jobs.attempt", { n: job.attemptsMade }) : ""}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
