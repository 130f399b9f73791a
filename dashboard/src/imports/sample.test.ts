import { describe, expect, test } from "vitest";
import { delimiter, records, renamed } from "./csv";
import { choose, natural, renames } from "./fields";
import { firstMapping, sample, understand } from "./sample";

const texts = (text: string, separator = ",", whole = true) => records(text, separator, whole).map(({ cells }) => cells.map(({ text }) => text));

describe("CSV", () => {
  test("the delimiter is the one that the header has more of outside quotes", () => {
    expect(delimiter("ref,cliente,valor")).toBe(",");
    expect(delimiter("ref;cliente;valor")).toBe(";");
    expect(delimiter('"a;b;c",cliente')).toBe(",");
    expect(delimiter("cliente")).toBe(",");
  });

  test("cells have quotes, delimiters and line ends in them", () => {
    expect(texts('a,"b, ""c""","d\ne"\r\nf,,\n')).toEqual([["a", 'b, "c"', "d\ne"], ["f", "", ""]]);
    expect(texts("a;b\rc;d", ";")).toEqual([["a", "b"], ["c", "d"]]);
  });

  test("a record knows its line; blank lines are none, and one that may be cut is left out", () => {
    const lines = (whole: boolean) => records('\na,"b\nc"\n\nd,e\nf', ",", whole).map(({ line }) => line);
    expect(lines(true)).toEqual([2, 5, 6]);
    expect(lines(false)).toEqual([2, 5]);
  });

  test("the guard of an export is taken off", () => expect(texts("'=1+1,'plain")).toEqual([["=1+1", "'plain"]]));

  test("a header has new names where they are given, and else stays as it was", () => {
    const names = new Map([["Valor Total", "valor"], ["nome", "cliente"]]);
    expect(renamed('id; "x";Valor Total;"nome";"a;b"', names)).toBe('id; "x";valor;cliente;"a;b"');
  });
});

describe("the preview", () => {
  test("shows CSV with a byte order mark and decimal commas", () => {
    const { format, columns, rows } = sample('\ufeffref;Cliente;valor;cor\r\n1;Ana;12,50;azul\r\n2;"Bo;b";3;\r\n3;x;1;y;too many\r\n4;cu', false);
    expect([format, columns]).toEqual(["csv", ["ref", "Cliente", "valor", "cor"]]);
    expect(rows).toEqual([
      { line: 2, values: { ref: "1", Cliente: "Ana", valor: "12,50", cor: "azul" } },
      { line: 3, values: { ref: "2", Cliente: "Bo;b", valor: "3", cor: "" } },
      { line: 4, values: null },
    ]);
  });

  test("shows NDJSON, and which lines cannot be read", () => {
    const { format, columns, rows } = sample('{"id":"a","valor":1.5,"x":{"y":[1]},"tier":null}\n\n[1]\nnot json\n{"cliente":"Ana"}\n{"cut', false);
    expect([format, columns]).toEqual(["ndjson", ["id", "valor", "x", "cliente"]]);
    expect(rows).toEqual([
      { line: 1, values: { id: "a", valor: "1.5", x: '{"y":[1]}' } },
      { line: 3, values: null },
      { line: 4, values: null },
      { line: 5, values: { cliente: "Ana" } },
    ]);
  });

  test("shows ten lines at most, and a file that has none", () => {
    expect(sample("cliente,valor\n" + "a,1\n".repeat(50), true).rows.length).toBe(10);
    expect(sample("", true)).toEqual({ format: "csv", columns: [], rows: [] });
  });

  test("shows the priority that an order will have, and what goes along with it", () => {
    const mapping = firstMapping(sample("id,cliente,valor,tier,priority,observacoes,cor,pedidos_status\n", true));
    const priority = (values: Record<string, string>, byDefault = "") => understand(values, mapping, byDefault).priority;
    expect(priority({ tier: "DIAMANTE" })).toBe("VIP");
    expect(priority({ tier: "OURO" }, "VIP")).toBe("NORMAL");
    expect(priority({ tier: "OURO", priority: "VIP" })).toBe("VIP");
    expect([priority({}), priority({}, "NORMAL")]).toEqual([null, "NORMAL"]);
    const values = { id: "7", cliente: "Ana", valor: "1", cor: "azul", observacoes: "rush", pedidos_status: "falhou" };
    expect(understand(values, mapping, "")).toMatchObject({ ref: "7", cliente: "Ana", others: [["cor", "azul"], ["observacoes", "rush"]] });
  });
});

describe("columns", () => {
  const columns = ["id", "Valor", "nome", "tier"];

  test("the API finds those with its names; in CSV in any case", () => {
    expect(natural(columns, "csv")).toMatchObject({ ref: "id", valor: "Valor", cliente: null, tier: "tier" });
    expect(natural(columns, "ndjson")).toMatchObject({ ref: "id", valor: null });
    expect(natural(["id", "ref"], "csv").ref).toBe("ref");
  });

  test("without a choice nothing is renamed", () => expect(renames(columns, natural(columns, "csv"), "csv").size).toBe(0));

  test("what is chosen gets the name of its field, and what had it is set aside", () => {
    const given = natural(columns, "csv");
    expect([...renames(columns, choose(given, "cliente", "nome"), "csv")]).toEqual([["nome", "cliente"]]);
    expect([...renames(columns, choose(given, "valor", "nome"), "csv")]).toEqual([["nome", "valor"], ["Valor", "Valor (original)"]]);
    expect([...renames(columns, choose(given, "tier", null), "csv")]).toEqual([["tier", "tier (original)"]]);
    expect([...renames(["ref", "id"], choose(natural(["ref", "id"], "csv"), "ref", null), "csv")]).toEqual([["ref", "ref (original)"], ["id", "id (original)"]]);
  });

  test("two fields can change places, and a column has one field", () => {
    const both = ["cliente", "observacoes"];
    const swapped = choose(choose(natural(both, "csv"), "cliente", "observacoes"), "observacoes", "cliente");
    expect([...renames(both, swapped, "csv")]).toEqual([["observacoes", "cliente"], ["cliente", "observacoes"]]);
    expect(choose(natural(both, "csv"), "ref", "cliente")).toMatchObject({ ref: "cliente", cliente: null });
  });

  test("a column that is set aside gets a name that no other has", () => {
    const three = ["tier", "tier (original)", "nome"];
    expect(renames(three, choose(natural(three, "csv"), "tier", "nome"), "csv").get("tier")).toBe("tier (original)*");
  });
});
