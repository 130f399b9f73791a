/** The delimiter of a header line: `,` or `;`, whichever it has more of outside quotes. As the API does it. */
export function delimiter(line: string): "," | ";" {
  let quoted = false;
  let more = 0;
  for (const character of line) {
    if (character === '"') quoted = !quoted;
    else if (!quoted && character === ";") more += 1;
    else if (!quoted && character === ",") more -= 1;
  }
  return more > 0 ? ";" : ",";
}

export interface Cell {
  text: string;
  /** With its quotes, as it stands in the file. */
  raw: string;
}

export interface Record {
  /** The line on which it begins, from 1. */
  line: number;
  cells: readonly Cell[];
}

const cell = (raw: string): Cell => {
  const quoted = /^"([^]*?)"?$/.exec(raw);
  const text = quoted ? quoted[1]!.replaceAll('""', '"') : raw;
  // An export puts it before what a spreadsheet would run.
  return { raw, text: /^'[=+\-@\t\r]/.test(text) ? text.slice(1) : text };
};

/** The records of a text, and its last one only if it is `whole`. For a preview: the API is strict. */
export function records(text: string, separator: string, whole: boolean): Record[] {
  const found: Record[] = [];
  let cells: Cell[] = [];
  let line = 1;
  let begun = 1;
  let from = 0;
  let quoted = false;
  const end = (at: number) => {
    cells.push(cell(text.slice(from, at)));
    // A blank line is no record.
    if (cells.length > 1 || cells[0]!.raw !== "") found.push({ line: begun, cells });
    cells = [];
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') quoted = !quoted;
    const lineEnd = character === "\n" || (character === "\r" && text[at + 1] !== "\n");
    if (lineEnd) line += 1;
    if (quoted) continue;
    if (character === separator) {
      cells.push(cell(text.slice(from, at)));
      from = at + 1;
    } else if (lineEnd) {
      end(character === "\n" && text[at - 1] === "\r" ? at - 1 : at);
      from = at + 1;
      begun = line;
    }
  }
  if (whole && from < text.length) end(text.length);
  return found;
}

/** A header line in which columns have their new names. The others stand as they were. */
export function renamed(header: string, names: ReadonlyMap<string, string>): string {
  const separator = delimiter(header);
  const [record] = records(header, separator, true);
  const cells = record?.cells ?? [];
  return cells.map(({ text, raw }) => (names.has(text.trim()) ? quoted(names.get(text.trim())!, separator) : raw)).join(separator);
}

const quoted = (name: string, separator: string) =>
  name.includes(separator) || /["\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
