import { renamed } from "./csv";

export type Bytes = Uint8Array<ArrayBuffer>;

/** Gives columns their new names while a list goes through it, in pieces of any length. */
export interface Rewriter {
  push: (bytes: Bytes) => Bytes[];
  end: () => Bytes[];
}

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const BRACE = 0x7b;
const BRACE_END = 0x7d;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const BOM = [0xef, 0xbb, 0xbf];

export const join = (pieces: readonly Bytes[]): Bytes => {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
};

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const decode = (bytes: Bytes) => decoder.decode(bytes);
const encode = (text: string): Bytes => encoder.encode(text);

/** Rewrites the header line of CSV. What follows goes through as it is. */
export class HeaderRewriter implements Rewriter {
  readonly #names: ReadonlyMap<string, string>;
  #held: Bytes[] = [];
  #quoted = false;
  #begun = false;
  #done = false;

  constructor(names: ReadonlyMap<string, string>) {
    this.#names = names;
  }

  push(bytes: Bytes): Bytes[] {
    if (this.#done) return [bytes];
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at];
      if (byte === QUOTE) this.#quoted = !this.#quoted;
      const isEnd = (byte === LF || byte === CR) && !this.#quoted;
      // Blank lines before it are not the header.
      if (isEnd && this.#begun) {
        this.#held.push(bytes.subarray(0, at));
        return [...this.end(), bytes.subarray(at)];
      }
      if (!isEnd && !BOM.includes(byte!)) this.#begun = true;
    }
    this.#held.push(bytes);
    return [];
  }

  end(): Bytes[] {
    if (this.#done) return [];
    this.#done = true;
    // The decoder takes a byte order mark off: the API needs none.
    const [, before = "", header = ""] = /^([\r\n]*)([^]*)$/.exec(decode(join(this.#held))) ?? [];
    this.#held = [];
    return [encode(before + renamed(header, this.#names))];
  }
}

/**
 * Renames the keys of each line's object in NDJSON. Byte by byte, because the values must go
 * through as they came: a number that is parsed and written again may be another one.
 */
export class KeyRewriter implements Rewriter {
  /** The new keys, as JSON. */
  readonly #names: ReadonlyMap<string, Bytes>;
  #depth = 0;
  #isObject = false;
  #keyNext = false;
  #inString = false;
  #escaped = false;
  /** The pieces of a key that has begun; null: there is none. */
  #key: Bytes[] | null = null;

  constructor(names: ReadonlyMap<string, string>) {
    this.#names = new Map([...names].map(([from, to]) => [from, encode(JSON.stringify(to))]));
  }

  push(bytes: Bytes): Bytes[] {
    const out: Bytes[] = [];
    let from = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at]!;
      if (byte === LF) {
        // No string goes over the end of a line, not even in a line that is no JSON.
        if (this.#key) {
          out.push(...this.#key);
          this.#key = null;
        }
        this.#depth = 0;
        this.#keyNext = this.#inString = this.#escaped = false;
      } else if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) {
          this.#inString = false;
          if (this.#key) {
            this.#key.push(bytes.subarray(from, at + 1));
            out.push(this.#renamed(join(this.#key)));
            this.#key = null;
            from = at + 1;
          }
        }
      } else if (byte === QUOTE) {
        this.#inString = true;
        if (this.#keyNext) {
          this.#keyNext = false;
          out.push(bytes.subarray(from, at));
          from = at;
          this.#key = [];
        }
      } else if (byte === BRACE || byte === BRACKET) {
        if (this.#depth === 0) this.#isObject = this.#keyNext = byte === BRACE;
        this.#depth += 1;
      } else if (byte === BRACE_END || byte === BRACKET_END) {
        this.#depth -= 1;
      } else if (byte === COMMA) {
        this.#keyNext = this.#depth === 1 && this.#isObject;
      }
    }
    const rest = bytes.subarray(from);
    if (this.#key) this.#key.push(rest);
    else out.push(rest);
    return out;
  }

  end(): Bytes[] {
    const out = this.#key ?? [];
    this.#key = null;
    return out;
  }

  #renamed(key: Bytes): Bytes {
    try {
      return this.#names.get(JSON.parse(decode(key)) as string) ?? key;
    } catch {
      // Not JSON: the API says so.
      return key;
    }
  }
}
