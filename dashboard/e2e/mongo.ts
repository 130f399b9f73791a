import { connect } from "node:net";

type Value = string | number | boolean | Value[] | { [name: string]: Value };

/** BSON of the few types that these commands need. */
function bson(document: { [name: string]: Value }): Buffer {
  const parts = Object.entries(document).map(([name, value]) => {
    const key = Buffer.from(`${name}\0`);
    if (typeof value === "string") {
      const text = Buffer.from(`${value}\0`);
      return Buffer.concat([Buffer.from([2]), key, int(text.length), text]);
    }
    if (typeof value === "number") return Buffer.concat([Buffer.from([16]), key, int(value)]);
    if (typeof value === "boolean") return Buffer.concat([Buffer.from([8]), key, Buffer.from([value ? 1 : 0])]);
    const array = Array.isArray(value);
    const inner = array ? Object.fromEntries(value.map((item, i) => [String(i), item])) : value;
    return Buffer.concat([Buffer.from([array ? 4 : 3]), key, bson(inner)]);
  });
  const body = Buffer.concat([...parts, Buffer.from([0])]);
  return Buffer.concat([int(body.length + 4), body]);
}

function int(n: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(n);
  return bytes;
}

/** Deletes so many pending NORMAL orders in MongoDB, so that workers cannot process them. */
export function poison(count: number): Promise<void> {
  const address = new URL(process.env["MONGO_URI"] ?? "");
  const filter = { status: "pendente", priority: "NORMAL" };
  const command = bson({
    delete: "orders",
    deletes: Array.from({ length: count }, () => ({ q: filter, limit: 1 })),
    $db: address.pathname.slice(1),
  });
  // OP_MSG: header, no flags, one section of kind 0.
  const message = Buffer.concat([int(command.length + 21), int(1), int(0), int(2013), int(0), Buffer.from([0]), command]);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(address.port), address.hostname, () => socket.write(message));
    let answer = Buffer.alloc(0);
    socket.on("error", reject);
    socket.on("data", (data) => {
      answer = Buffer.concat([answer, data]);
      if (answer.length < 4 || answer.length < answer.readInt32LE(0)) return;
      socket.end();
      // {n: <int32>, …}: the number of deleted orders.
      const at = answer.indexOf("\x10n\0");
      const deleted = at < 0 ? 0 : answer.readInt32LE(at + 3);
      if (deleted === count) resolve();
      else reject(new Error(`${deleted} of ${count} orders were deleted`));
    });
  });
}
