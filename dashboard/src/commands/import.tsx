import { useEffect, useState, useSyncExternalStore } from "react";
import type { Import } from "../api/client";
import { errorText } from "../api/error-text";
import { useTranslation } from "../i18n";
import { Choose } from "../imports/choose";
import { choose, renames, type Mapping } from "../imports/fields";
import { Look, type DefaultPriority } from "../imports/look";
import { firstMapping } from "../imports/sample";
import { Sending } from "../imports/sending";
import { open, type Source } from "../imports/source";
import { Upload } from "../imports/upload";
import { Dialog } from "../ui/dialog";
import { useLeaving, type Leaving } from "./leaving";
import type { DialogProps } from "./parts";
import { StartForm } from "./start-import";

/** A file for a new import, or once more for one that is not whole. */
export function ImportDialog({ into, onClose }: DialogProps & { into?: Import }) {
  const { t } = useTranslation();
  const leaving = useLeaving(onClose);
  return (
    <Dialog wide stays={leaving.asks} title={t(into ? "do.uploadAgain" : "do.import")} onClose={leaving.leave}>
      <FromFile into={into} leaving={leaving} onClose={onClose} />
    </Dialog>
  );
}

interface Chosen {
  source: Source;
  mapping: Mapping;
  name: string;
  defaultPriority: DefaultPriority;
}

/** Choose a file, look at it, send it, start it. */
export function FromFile({ into, leaving, onClose }: DialogProps & { into?: Import | undefined; leaving: Leaving }) {
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [sending, setSending] = useState<Upload | null>(null);
  const sent = useSyncExternalStore(sending?.subscribe ?? never, () => sending?.get() ?? null);
  const { setAsks, setBegan } = leaving;
  const isUpload = sending !== null && !sending.dryRun;
  const asks = isUpload && sending.isActive;
  useEffect(() => setAsks(asks), [asks, setAsks]);
  useEffect(() => setBegan(isUpload), [isUpload, setBegan]);
  // Whoever leaves the view stops it: what is stored stays.
  useEffect(() => () => sending?.stop(), [sending]);

  const take = (file: File) => {
    setTrouble(null);
    setSending(null);
    open(file).then(
      (source) => setChosen({ source, mapping: firstMapping(source.sample), name: into?.name ?? file.name.slice(0, 128), defaultPriority: "" }),
      (error: unknown) => setTrouble(errorText(error)),
    );
  };
  const go = (dryRun: boolean) => {
    if (!chosen) return;
    const { source, mapping, name, defaultPriority } = chosen;
    const names = renames(source.sample.columns, mapping, source.sample.format);
    // What is sent once more goes on with the import that it had begun.
    const begun = isUpload ? (sent?.import ?? undefined) : into;
    leaving.stay();
    const next = new Upload({ source, names, name, defaultPriority, into: dryRun ? undefined : begun, dryRun });
    setSending(next);
    next.start();
  };
  // What was counted is true of what was chosen before.
  const change = (change: Partial<Chosen>) => {
    setSending(null);
    setChosen(chosen && { ...chosen, ...change });
  };

  if (!chosen) return <Choose error={trouble} onFile={take} onClose={onClose} />;
  if (isUpload && sent?.stage === "done" && sent.import) return <StartForm of={sent.import} onClose={onClose} />;
  if (isUpload && sent) {
    return <Sending sent={sent} leaving={leaving} onAgain={() => go(false)} onClose={onClose} />;
  }
  return (
    <Look
      source={chosen.source}
      mapping={chosen.mapping}
      name={chosen.name}
      defaultPriority={chosen.defaultPriority}
      into={into}
      checked={sent}
      onMap={(field, column) => change({ mapping: choose(chosen.mapping, field, column) })}
      onName={(name) => setChosen({ ...chosen, name })}
      onDefaultPriority={(defaultPriority) => change({ defaultPriority })}
      onCheck={() => go(true)}
      onUpload={() => go(false)}
      onOther={() => {
        setSending(null);
        setChosen(null);
      }}
    />
  );
}

const never = () => () => {};
