import { describe, expect, test } from "vitest";
import { HeaderRewriter, join, KeyRewriter, type Bytes, type Rewriter } from "./rewrite";
import { open, prepare } from "./source";

/** What comes out if a list goes in, in pieces of so many bytes. */
function rewrite(rewriter: Rewriter, list: Bytes, length: number): string {
  const out: Bytes[] = [];
  for (let at = 0; at < list.length; at += length) out.push(...rewriter.push(list.slice(at, at + length)));
  out.push(...rewriter.end());
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(join(out));
}

const bytes = (text: string): Bytes => new TextEncoder().encode(text);
const LENGTHS = [1, 2, 3, 7, 16, 1000];
const names = new Map([["preço", "valor"], ["nome", "cliente"], ["valor", "valor (original)"]]);

describe.each(LENGTHS)("in pieces of %i bytes", (length) => {
  const header = (list: string) => rewrite(new HeaderRewriter(names), bytes(list), length);
  const keys = (list: string) => rewrite(new KeyRewriter(names), bytes(list), length);

  test("the header of CSV is rewritten, and nothing else", () => {
    expect(header("nome;preço;cor\r\nnome;1;preço\r\n")).toBe("cliente;valor;cor\r\nnome;1;preço\r\n");
    expect(header('"nome","a\nb",preço\n"x,y",2\n')).toBe('cliente,"a\nb",valor\n"x,y",2\n');
    expect(header("nome,valor,preço")).toBe("cliente,valor (original),valor");
  });

  test("a byte order mark and blank lines before the header do no harm", () => {
    expect(header("\ufeffnome,preço\nA,1")).toBe("cliente,valor\nA,1");
    expect(header("\r\n\nnome,preço\rA,1")).toBe("\r\n\ncliente,valor\rA,1");
  });

  test("the keys of each line are renamed, and nothing else", () => {
    expect(keys('{"nome":"nome","preço":1.10}\n{ "x":{"nome":1}, "nome" : [{"nome":2}, "nome"] }\r\n')).toBe(
      '{"cliente":"nome","valor":1.10}\n{ "x":{"nome":1}, "cliente" : [{"nome":2}, "nome"] }\r\n',
    );
    expect(keys('{"valor":1,"preço":2}')).toBe('{"valor (original)":1,"valor":2}');
  });

  test("keys with escapes are found, and quotes in values end nothing", () => {
    expect(keys('{"n\\u006fme":"a\\"b\\\\","cor":"{\\"nome\\":1}","nome\\"":1,"nome":2}')).toBe('{"cliente":"a\\"b\\\\","cor":"{\\"nome\\":1}","nome\\"":1,"cliente":2}');
  });

  test("values go through as they came, and so do lines that are no objects", () => {
    const odd = '{"n":12345678901234567890,"e":1e400}\n["nome"]\n"nome"\n{"nome\n{"nome":}\nnull\n{"a":"\ud83d\ude00"';
    expect(keys(odd)).toBe(odd.replace('{"nome":}', '{"cliente":}'));
  });
});

test("bytes that are not UTF-8 go through: the API says so", () => {
  const list = new Uint8Array([...bytes('{"nome":"'), 0xff, 0xfe, ...bytes('"}\n')]);
  const out = join([...new KeyRewriter(names).push(list)]);
  expect([...out]).toEqual([...bytes('{"cliente":"'), 0xff, 0xfe, ...bytes('"}\n')]);
});

describe("a file", () => {
  const never = new AbortController().signal;
  const text = 'nome;preço\n"Ana; B";1,50\n';
  const zipped = () => new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).blob();

  test("is sent as it is, unless columns are chosen", async () => {
    const source = await open(new File([text], "orders.csv"));
    expect(source).toMatchObject({ gzip: false, sample: { format: "csv", columns: ["nome", "preço"] } });
    expect(await prepare(source, new Map(), () => {}, never)).toBe(source.file);
    expect(await (await prepare(source, names, () => {}, never)).text()).toBe(text.replace("nome;preço", "cliente;valor"));
  });

  test("that is gzip is unpacked for the preview, and is gzip again when it is sent", async () => {
    const source = await open(new File([await zipped()], "orders.bin"));
    expect(source).toMatchObject({ gzip: true, sample: { columns: ["nome", "preço"] } });
    const sent = await prepare(source, names, () => {}, never);
    expect(await new Response(sent.stream().pipeThrough(new DecompressionStream("gzip"))).text()).toBe(text.replace("nome;preço", "cliente;valor"));
  });

  test("of several blocks keeps every line", async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => JSON.stringify({ nome: `Cliente ${i}`, preço: i / 100, texto: "x".repeat(300) })).join("\n");
    const source = await open(new File([lines], "orders.ndjson"));
    expect(source.sample).toMatchObject({ format: "ndjson", columns: ["nome", "preço", "texto"] });
    let read = 0;
    const sent = await prepare(source, names, (bytes) => (read = bytes), never);
    expect(read).toBe(source.file.size);
    expect(await sent.text()).toBe(lines.replaceAll('"nome"', '"cliente"').replaceAll('"preço"', '"valor"'));
  });
});
