import { useId, type ReactNode } from "react";
import { toast } from "./toasts";
import { Icon, type IconName } from "./icons";

type Kind = "plain" | "primary" | "danger" | "ghost";

const LOOKS: Record<Kind, string> = {
  plain: "border border-quiet bg-panel hover:bg-sunk text-ink",
  primary: "border border-transparent bg-ink text-panel hover:opacity-90",
  danger: "border border-bad text-bad bg-panel hover:bg-bad-wash",
  ghost: "border border-transparent text-ink hover:bg-sunk",
};
/** How a button looks that cannot be used now. */
export const UNABLE = "border border-dashed border-quiet text-soft bg-panel cursor-not-allowed";

interface Props {
  children?: ReactNode;
  /** For those that show nothing but an icon. */
  label?: string;
  icon?: IconName;
  kind?: Kind;
  /** What it does, where its name does not tell. */
  hint?: string;
  /** Why it cannot be used now. It stays in the order of tabs, so that everybody learns why. */
  reason?: string | null;
  busy?: boolean;
  tipEnd?: boolean;
  wide?: boolean;
  onClick: () => void;
}

export function Button({ children, label, icon, kind = "plain", hint, reason, busy, tipEnd, wide, onClick }: Props) {
  const tip = useId();
  const unable = Boolean(reason) || busy === true;
  const told = reason ?? hint;
  return (
    <span className={`tipped relative inline-flex ${wide ? "w-full" : ""} ${tipEnd ? "tip-end" : ""}`}>
      <button
        type="button"
        aria-label={label}
        aria-disabled={unable || undefined}
        aria-busy={busy || undefined}
        aria-describedby={told ? tip : undefined}
        onClick={() => {
          if (reason) toast("info", reason);
          else if (!busy) onClick();
        }}
        className={`inline-flex min-h-10 items-center justify-center gap-2 rounded-[10px] px-3 text-sm font-medium ${
          wide ? "w-full" : ""
        } ${reason ? UNABLE : LOOKS[kind]} ${children ? "" : "!px-2.5"} ${busy ? "breathing" : ""}`}
      >
        {icon && <Icon name={icon} />}
        {children}
      </button>
      {told && (
        <span id={tip} role="tooltip" className="tip">
          {told}
        </span>
      )}
    </span>
  );
}
