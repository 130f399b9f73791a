import type { Ledger as Figures } from "../api/client";
import { useTranslation, type Key } from "../i18n";
import { useLive } from "../live/use";
import { Icon } from "../ui/icons";
import { Panel } from "../ui/panel";
import { balance, PARTS, type Part } from "../live/ledger";

const STYLES: Record<Part, string> = {
  deferred: "bg-quiet/45",
  waiting: "bg-quiet",
  leased: "bg-focus",
  delayed: "bg-warn",
  processed: "",
  dead: "bg-bad",
  removed: "bg-soft",
};

/** The ledger of each priority: generated = the sum of all states, as numbers and as a bar. */
export function Ledger() {
  const { t } = useTranslation();
  const status = useLive((state) => state.status);
  if (!status) return null;
  const { vip, normal } = status.ledger;
  const widest = Math.max(vip.generated, normal.generated, 1);
  return (
    <Panel title={t("ledger")} aside={<span className="text-xs text-soft">{t("ledger.hint")}</span>}>
      <div className="space-y-6">
        <Row name="VIP" figures={vip} of={widest} colour="bg-vip" text="text-vip" />
        <Row name="NORMAL" figures={normal} of={widest} colour="bg-normal" text="text-normal" />
      </div>
    </Panel>
  );
}

function Row({ name, figures, of, colour, text }: { name: string; figures: Figures; of: number; colour: string; text: string }) {
  const { t, n } = useTranslation();
  const off = balance(figures);
  return (
    <div data-ledger={name}>
      <div className="mb-2 flex items-baseline justify-between gap-4 text-sm">
        <span className={`font-semibold ${text}`}>{name}</span>
        <span className={`flex items-center gap-1 text-xs font-medium ${off === 0 ? "text-good" : "text-bad"}`} data-off={off}>
          <Icon name={off === 0 ? "check" : "warning"} size={14} />
          {off === 0 ? t("ledger.holds") : t("ledger.off", { n: off })}
        </span>
      </div>
      <div className="grid grid-cols-3 gap-x-2 gap-y-3 sm:grid-cols-4 lg:grid-cols-8">
        <Term sign="" value={n(figures.generated)} name={t("ledger.generated")} strong />
        {PARTS.map((part, i) => (
          <Term key={part} sign={i === 0 ? "=" : "+"} value={n(figures[part])} name={t(`ledger.${part}` as Key)} strong={figures[part] > 0} />
        ))}
      </div>
      <div aria-hidden="true" className="mt-3 h-4 overflow-hidden rounded-md bg-sunk">
        <div className="flex h-full" style={{ width: `${(figures.generated / of) * 100}%` }}>
          {(["processed", "dead", "removed", "leased", "delayed", "waiting", "deferred"] as const).map((part) => (
            <div
              key={part}
              className={part === "processed" ? colour : STYLES[part]}
              style={{ width: `${(figures[part] / Math.max(1, figures.generated)) * 100}%` }}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

function Term({ sign, value, name, strong }: { sign: string; value: string; name: string; strong: boolean }) {
  return (
    <span className="flex min-w-0 gap-2">
      {sign && <span className="shrink-0 text-soft">{sign}</span>}
      <span className="min-w-0">
        <span className={`block ${strong ? "font-semibold" : "text-soft"}`}>{value}</span>
        <span className="block text-xs text-soft">
          {name}
        </span>
      </span>
    </span>
  );
}
