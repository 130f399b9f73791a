import { useSpeech } from "../i18n";
import { useLive } from "../live/use";
import { Controls } from "./controls";
import { Hero } from "./hero";
import { Ledger } from "./ledger";
import { Health, Workers } from "./people";
import { Ribbon } from "./ribbon";
import { Throughput } from "./throughput";
import { Timeline } from "./timeline";

export function Overview() {
  const { t } = useSpeech();
  const known = useLive((state) => state.status !== null);
  if (!known) return <Waiting text={t("loading")} />;
  return (
    <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
      <Hero />
      <Controls />
      <div className="min-w-0 lg:col-span-2">
        <Ribbon />
      </div>
      {/* Beside the chart; on a phone before it. */}
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
  );
}

function Waiting({ text }: { text: string }) {
  return (
    <div role="status" className="panel breathing flex min-h-72 items-center justify-center text-soft">
      {text}
    </div>
  );
}
