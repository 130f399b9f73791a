import { delimiter, records } from "./csv";
import type { Format, Mapping } from "./fields";
import { FIELDS, natural } from "./fields";

/** Lines that the preview shows. */
const ROWS = 10;
/** Lines in which it looks for columns: not every line of NDJSON has each of them. */
const LOOKED_AT = 200;

export interface Row {
  /** Where it begins in the file, from 1. */
  line: number;
  /** Null: it cannot be read. */
  values: Readonly<Record<string, string>> | null;
}

/** The beginning of a list, read lightly: the API is the one that checks. */
export interface Sample {
  format: Format;
  columns: readonly string[];
  rows: readonly Row[];
}

/** Reads the beginning of a list. `whole`: there is no more of it. */
export function sample(text: string, whole: boolean): Sample {
  const plain = text.replace(/^\ufeff/, "");
  return /^\s*[[{]/.test(plain) ? ndjson(plain, whole) : csv(plain, whole);
}

function csv(text: string, whole: boolean): Sample {
  const separator = delimiter(/^[\r\n]*("[^"]*"|[^\r\n"])*/.exec(text)?.[0] ?? "");
  const [header, ...lines] = records(text, separator, whole);
  const names = header?.cells.map(({ text }) => text.trim()) ?? [];
  const rows = lines.slice(0, ROWS).map(({ line, cells }) => ({
    line,
    values: cells.length > names.length ? null : Object.fromEntries(names.map((name, i) => [name, cells[i]?.text ?? ""] as const).filter(([name]) => name)),
  }));
  return { format: "csv", columns: names.filter(Boolean), rows };
}

function ndjson(text: string, whole: boolean): Sample {
  const lines = text.split("\n");
  // The last one may be cut.
  if (!whole) lines.pop();
  const columns = new Set<string>();
  const rows: Row[] = [];
  for (const [index, line] of lines.entries()) {
    if (rows.length >= LOOKED_AT) break;
    if (line.trim() === "") continue;
    const values = object(line);
    for (const name of Object.keys(values ?? {})) columns.add(name);
    rows.push({ line: index + 1, values });
  }
  return { format: "ndjson", columns: [...columns], rows: rows.slice(0, ROWS) };
}

function object(line: string): Record<string, string> | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    const members = Object.entries(value).filter(([, member]) => member !== null);
    return Object.fromEntries(members.map(([name, member]) => [name, typeof member === "string" ? member : JSON.stringify(member)]));
  } catch {
    return null;
  }
}

export interface Understood {
  ref: string;
  cliente: string;
  valor: string;
  tier: string;
  /** Null: none is known, and the line would be rejected. */
  priority: string | null;
  /** What goes along with the order. */
  others: readonly (readonly [string, string])[];
}

/** How the API will take these values. */
export function understand(values: Readonly<Record<string, string>>, mapping: Mapping, defaultPriority: string): Understood {
  const of = (field: (typeof FIELDS)[number]) => values[mapping[field] ?? ""]?.trim() ?? "";
  const taken = new Set(FIELDS.filter((field) => field !== "observacoes" && field !== "dados").map((field) => mapping[field]));
  const tier = of("tier");
  const byTier = tier === "DIAMANTE" ? "VIP" : tier ? "NORMAL" : null;
  const others = Object.entries(values).filter(([name, value]) => !taken.has(name) && value !== "" && !name.toLowerCase().startsWith("pedidos_"));
  return { ref: of("ref"), cliente: of("cliente"), valor: of("valor"), tier, priority: of("priority") || byTier || defaultPriority || null, others };
}

export const firstMapping = ({ columns, format }: Sample): Mapping => natural(columns, format);
