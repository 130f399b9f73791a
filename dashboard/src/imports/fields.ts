/** What an order is made from. All else that a line has goes into `dados`. */
export const FIELDS = ["ref", "cliente", "valor", "tier", "priority", "observacoes", "dados"] as const;
export type Field = (typeof FIELDS)[number];
export type Format = "ndjson" | "csv";

/** Which column each field is taken from; null: from none. */
export type Mapping = Readonly<Record<Field, string | null>>;

/** A column by the name that the API looks for. In CSV the case of a name does not matter. */
function named(name: string, columns: readonly string[], format: Format): string | null {
  return columns.find((column) => (format === "csv" ? column.toLowerCase() : column) === name) ?? null;
}

/** What the API takes from a file that is sent as it is. */
export function natural(columns: readonly string[], format: Format): Mapping {
  const taken = FIELDS.map((field) => [field, named(field, columns, format)] as const);
  const mapping = Object.fromEntries(taken) as Record<Field, string | null>;
  return { ...mapping, ref: mapping.ref ?? named("id", columns, format) };
}

/** Takes a field from a column. A column is taken once: another field that had it has none. */
export function choose(mapping: Mapping, field: Field, column: string | null): Mapping {
  const others = FIELDS.filter((other) => column !== null && mapping[other] === column);
  return { ...mapping, ...Object.fromEntries(others.map((other) => [other, null])), [field]: column };
}

/** The new names of columns, so that the API takes what was chosen. Empty: the file is sent as it is. */
export function renames(columns: readonly string[], mapping: Mapping, format: Format): Map<string, string> {
  const given = natural(columns, format);
  const names = new Map<string, string>();
  for (const field of FIELDS) {
    const column = mapping[field];
    if (column !== null && column !== given[field]) names.set(column, field);
  }
  const used = new Set(columns.map((column) => column.toLowerCase()));
  // A column that has the name of a field, and was not chosen for it.
  const setAside = (column: string | null) => {
    if (column === null || names.has(column) || Object.values(mapping).includes(column)) return;
    let name = `${column} (original)`;
    while (used.has(name.toLowerCase())) name += "*";
    used.add(name.toLowerCase());
    names.set(column, name);
  };
  for (const field of FIELDS) if (mapping[field] !== given[field]) setAside(given[field]);
  if (mapping.ref === null) setAside(named("id", columns, format));
  return names;
}
