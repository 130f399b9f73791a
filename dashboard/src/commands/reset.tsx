import { useEffect, useState } from "react";
import { get, post } from "../api/client";
import { currentTranslation, useTranslation } from "../i18n";
import { useLive } from "../live/use";
import { Confirm } from "../ui/dialog";
import { unavailable, type Command } from "./command";
import { Count, Counts, Field, Note, type DialogProps } from "./parts";
import { usePerform, useWhyDisabled } from "./perform";

export const reset: Command = {
  operation: "reset",
  whyDisabled: (state) => unavailable(reset.operation, state),
  async perform() {
    const answer = await post("/pedidos/reset", { timeout: 120_000 });
    return currentTranslation().t("did.reset", { orders: answer.removedOrders, runs: answer.removedRuns });
  },
};

/** What the history has, as far as one page of it goes. */
interface History {
  runs: number;
  orders: number;
  more: boolean;
}

export function ResetDialog({ onClose }: DialogProps) {
  const { t, n } = useTranslation();
  const { busy, error, run } = usePerform(true);
  const whyDisabled = useWhyDisabled(reset);
  const status = useLive((state) => state.status);
  const [typed, setTyped] = useState("");
  const [history, setHistory] = useState<History | null>(null);
  useEffect(() => {
    get("/pedidos/runs", { query: { limit: 200 } }).then(
      ({ runs, nextCursor }) =>
        setHistory({
          runs: runs.length,
          orders: runs.reduce((sum, run) => sum + run.quantity, 0),
          more: nextCursor !== null,
        }),
      () => setHistory(null),
    );
  }, []);
  const confirm = () => run(() => reset.perform(), onClose);
  const word = t("reset.word");
  const whyNot = typed.trim().toLowerCase() === word ? null : t("cannot.untyped", { word });
  const count = (value: number | undefined) => (value === undefined ? "…" : n(value) + (history?.more ? "+" : ""));
  const current = status?.progress.generated ?? 0;
  return (
    <Confirm title={t("reset.title")} reason={whyDisabled ?? whyNot} verb={t("do.reset")} danger busy={busy} error={error} onConfirm={confirm} onClose={onClose}>
      <p>{t("reset.words")}</p>
      <Counts>
        <Count name={t("reset.runs")} value={count(history?.runs)} bad />
        <Count name={t("reset.orders")} value={count(history?.orders)} bad />
        <Count name={t("reset.current")} value={n(current)} bad={current > 0} />
      </Counts>
      <Note>{t("reset.note")}</Note>
      <Field name={t("reset.confirm")} hint={t("reset.confirm.hint", { word })} value={typed} onChange={setTyped} />
    </Confirm>
  );
}
