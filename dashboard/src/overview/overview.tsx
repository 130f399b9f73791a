import { useTranslation } from "../i18n";
import { useLive } from "../live/use";
import { Controls } from "./controls";
import { Holds } from "./holds";
import { Summary } from "./summary";
import { Ledger } from "./ledger";
import { Health } from "./health";
import { PhaseSteps } from "./phase-steps";
import { Throughput } from "./throughput";
import { Timeline } from "./timeline";
import { Workers } from "./workers";

export function Overview() {
  const { t } = useTranslation();
  const known = useLive((state) => state.status !== null);
  if (!known) return <Waiting text={t("loading")} />;
  return (
    <div className="space-y-4">
      <Holds />
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <Summary />
        <Controls />
        <div className="min-w-0 lg:col-span-2">
          <PhaseSteps />
        </div>
        {/* Beside the chart; above it on a phone. */}
        <div className="min-w-0 space-y-4 lg:col-start-2 lg:row-start-3">
          <Health />
          <Workers />
        </div>
        <div className="min-w-0 lg:col-start-1 lg:row-start-3">
          <Throughput />
        </div>
        <div className="min-w-0 space-y-4 lg:col-span-2">
          <Ledger />
          <Timeline />
        </div>
      </div>
    </div>
  );
}

function Waiting({ text }: { text: string }) {
  return (
    <div role="status" className="panel breathing flex min-h-72 items-center justify-center text-soft">
      {text}
    </div>
  );
}
