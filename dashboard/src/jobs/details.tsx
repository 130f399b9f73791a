import { useState, type ReactNode } from "react";
import type { Job, Order } from "../api/client";
import { useTranslation, type Key } from "../i18n";
import { price } from "../lib/format";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Priority } from "./table";

interface Props {
  order: Order | null;
  job: Job | null;
  busy: boolean;
  error: string | null;
  whyNotRetry: string | null;
  onRetry: (id: string) => void;
  onClose: () => void;
}

/** The order's document, and the error of a dead letter. */
export function Details({ order, job, busy, error: failure, whyNotRetry, onRetry, onClose }: Props) {
  const { t, moment, n, language } = useTranslation();
  const id = order?.id ?? job?.id ?? "";
  const dead = order?.status === "falhou";
  const error = order?.outcome?.error ?? job?.failedReason;
  const attempts = order?.outcome?.attempts ?? job?.attemptsMade;
  const at = (value: string | null | undefined) => (value ? moment(value) : "—");
  // Shown in the dialog, because toasts are behind it.
  const [copied, setCopied] = useState("");
  // Browsers have no clipboard on a plain HTTP page, except on localhost.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  const copy = () =>
    clipboard?.writeText(JSON.stringify(order ?? job, null, 2)).then(
      () => setCopied(t("did.copied")),
      (why: unknown) => setCopied(String(why)),
    );
  return (
    <Dialog wide title={order?.cliente ?? t("jobs.order")} onClose={onClose}>
      <p className="mb-4 flex flex-wrap items-center gap-2 text-sm">
        <Priority of={order?.priority} />
        {order?.status && <span className="rounded-md bg-sunk px-1.5 py-0.5 text-xs font-semibold">{order.status}</span>}
        <code className="text-xs break-all sm:text-sm">{id}</code>
      </p>
      {dead && (
        <div className="mb-4 rounded-xl bg-bad-wash p-4 text-sm text-bad">
          <p className="font-semibold">{t("jobs.gaveUp", { n: attempts ?? 0 })}</p>
          <p className="mt-1 font-mono break-words">{error ?? "—"}</p>
          {order.outcome?.at && <p className="mt-1">{moment(order.outcome.at)}</p>}
        </div>
      )}
      {order ? (
        <dl className="grid grid-cols-1 gap-x-8 sm:grid-cols-2">
          <Row name="valor">{order.valor !== null ? price(order.valor, language) : "—"}</Row>
          <Row name="tier">{order.tier ?? "—"}</Row>
          <Row name="observacoes">{order.observacoes ?? "—"}</Row>
          <Row name="runId">
            <code className="text-xs break-all sm:text-sm">{order.runId ?? "—"}</code>
          </Row>
          <Row name="createdAt">{at(order.createdAt)}</Row>
          <Row name="processedAt">{at(order.processedAt)}</Row>
          {order.retriedAt && <Row name="retriedAt">{at(order.retriedAt)}</Row>}
          {job && !dead && <Row name={t("jobs.attempts")}>{n(job.attemptsMade)}</Row>}
          {job && <Row name={t("jobs.state")}>{t(`state.${job.state}` as Key)}</Row>}
        </dl>
      ) : (
        <p className="text-sm text-soft">{t("jobs.noDocument")}</p>
      )}
      {failure && (
        <p role="alert" className="mt-4 rounded-lg bg-bad-wash px-3 py-2 text-sm break-words text-bad">
          {failure}
        </p>
      )}
      <div className="mt-6 flex flex-wrap items-center justify-end gap-2">
        <p role="status" className="min-w-0 text-sm break-words text-soft">
          {copied}
        </p>
        <Button icon="copy" reason={clipboard ? null : t("cannot.copy")} onClick={() => void copy()}>
          {t("do.copy")}
        </Button>
        {dead && (
          <Button icon="retry" kind="primary" busy={busy} tipEnd reason={whyNotRetry} onClick={() => onRetry(id)}>
            {t("do.retryOne")}
          </Button>
        )}
      </div>
    </Dialog>
  );
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="border-b border-line py-2">
      <dt className="text-xs text-soft">{name}</dt>
      <dd className="text-sm font-medium">{children}</dd>
    </div>
  );
}
