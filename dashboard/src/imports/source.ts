import { HeaderRewriter, join, KeyRewriter, type Bytes, type Rewriter } from "./rewrite";
import { sample, type Sample } from "./sample";

/** Bytes of the list that the preview reads. */
const HEAD = 256 * 1024;
/** Pieces are given to the browser in blobs of this size, which it keeps on disk if they are many. */
const PART = 4 * 1024 * 1024;

/** A file that somebody chose, and how it begins. */
export interface Source {
  file: File;
  gzip: boolean;
  sample: Sample;
}

export async function open(file: File): Promise<Source> {
  const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const gzip = first === 0x1f && second === 0x8b;
  const { text, whole } = await head(plain(file, gzip));
  return { file, gzip, sample: sample(text, whole) };
}

function plain(file: File, gzip: boolean): ReadableStream<Bytes> {
  return gzip ? file.stream().pipeThrough(new DecompressionStream("gzip")) : file.stream();
}

async function head(stream: ReadableStream<Bytes>): Promise<{ text: string; whole: boolean }> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  while (size < HEAD) {
    const { value, done } = await reader.read();
    if (done) return { text: text + decoder.decode(), whole: true };
    size += value.length;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return { text, whole: false };
}

/**
 * What is sent: the file itself, or a copy in which columns have their new names. The copy is made
 * once, because a list that is sent again must be the same. No browser sends a stream over HTTP/1.
 */
export async function prepare({ file, gzip, sample }: Source, names: ReadonlyMap<string, string>, onRead: (bytes: number) => void, signal: AbortSignal): Promise<Blob> {
  if (names.size === 0) return file;
  const rewriter = sample.format === "csv" ? new HeaderRewriter(names) : new KeyRewriter(names);
  let read = 0;
  const counted = new TransformStream<Bytes, Bytes>({
    transform(bytes, out) {
      read += bytes.length;
      onRead(read);
      out.enqueue(bytes);
    },
  });
  const bytes = file.stream().pipeThrough(counted, { signal });
  const list = gzip ? bytes.pipeThrough(new DecompressionStream("gzip")) : bytes;
  const rewritten = list.pipeThrough(through(rewriter));
  return collect(gzip ? rewritten.pipeThrough(new CompressionStream("gzip")) : rewritten);
}

function through(rewriter: Rewriter): TransformStream<Bytes, Bytes> {
  return new TransformStream({
    transform: (bytes, out) => out.enqueue(join(rewriter.push(bytes))),
    flush: (out) => out.enqueue(join(rewriter.end())),
  });
}

async function collect(stream: ReadableStream<Bytes>): Promise<Blob> {
  const parts: Blob[] = [];
  let pieces: Bytes[] = [];
  let size = 0;
  const reader = stream.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (value) {
      pieces.push(value);
      size += value.length;
    }
    if (done || size >= PART) {
      parts.push(new Blob(pieces));
      pieces = [];
      size = 0;
    }
    if (done) return new Blob(parts);
  }
}
