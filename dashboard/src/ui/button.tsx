import { useId, type ReactNode } from "react";
import { toast } from "./toasts";
import { Icon, type IconName } from "./icons";

type Kind = "plain" | "primary" | "danger" | "ghost";

const STYLES: Record<Kind, string> = {
  plain: "border border-quiet bg-panel hover:bg-sunk text-ink",
  primary: "border border-transparent bg-ink text-panel hover:opacity-90",
  danger: "border border-bad text-bad bg-panel hover:bg-bad-wash",
  ghost: "border border-transparent text-ink hover:bg-sunk",
};
/** The look of a disabled button. */
export const DISABLED = "border border-dashed border-quiet text-soft bg-panel cursor-not-allowed";

interface Props {
  children?: ReactNode;
  /** The accessible name of a button that shows only an icon. */
  label?: string;
  icon?: IconName;
  kind?: Kind;
  /** What it does, if its name does not say. */
  hint?: string;
  /** Why it is disabled. It keeps the keyboard focus, so that everybody can read the reason. */
  reason?: string | null;
  busy?: boolean;
  tipEnd?: boolean;
  wide?: boolean;
  onClick: () => void;
}

export function Button({ children, label, icon, kind = "plain", hint, reason, busy, tipEnd, wide, onClick }: Props) {
  const tip = useId();
  const disabled = Boolean(reason) || busy === true;
  const tipText = reason ?? hint;
  return (
    <span className={`tipped relative inline-flex ${wide ? "w-full" : ""} ${tipEnd ? "tip-end" : ""}`}>
      <button
        type="button"
        aria-label={label}
        aria-disabled={disabled || undefined}
        aria-busy={busy || undefined}
        aria-describedby={tipText ? tip : undefined}
        onClick={() => {
          if (reason) toast("info", reason);
          else if (!busy) onClick();
        }}
        className={`inline-flex min-h-10 items-center justify-center gap-2 rounded-[10px] px-3 text-sm font-medium ${
          wide ? "w-full" : ""
        } ${reason ? DISABLED : STYLES[kind]} ${children ? "" : "!px-2.5"} ${busy ? "breathing" : ""}`}
      >
        {icon && <Icon name={icon} />}
        {children}
      </button>
      {tipText && (
        <span id={tip} role="tooltip" className="tip">
          {tipText}
        </span>
      )}
    </span>
  );
}
