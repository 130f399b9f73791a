#!/usr/bin/env node
// A receiver of orders: workers post batches here, and it answers for each order.
//
//     PROCESSOR_SECRET=whsec_... examples/processor.mjs 8080
//
// Workers of the name `default` find it with PROCESSOR_URL=http://127.0.0.1:8080/ and the same
// PROCESSOR_SECRET. Needs nothing but Node. docs/processing.md says what the calls look like.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const secret = process.env.PROCESSOR_SECRET ?? "";
const done = new Map(); // What was done, by key. In a real one: a table with a unique key.

/** Does the work of one order, and says what became of it. */
function work(order) {
  const key = order.ref ?? order.id;
  if (!done.has(key)) {
    // It may come again, and must be done once.
    if (order.valor > 5000) return { status: "fail", error: "more than one order may cost" };
    done.set(key, `sent to ${order.cliente}`);
  }
  return { status: "ok", note: done.get(key) };
}

/** Standard Webhooks: did somebody who knows the secret send this, and just now? */
function isSigned(headers, body) {
  const { "webhook-id": id = "", "webhook-timestamp": sent = "" } = headers;
  if (!/^\d+$/.test(sent) || Math.abs(Date.now() / 1000 - Number(sent)) > 300) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const right = createHmac("sha256", key).update(`${id}.${sent}.`).update(body).digest();
  // While a secret is replaced, there are two.
  return (headers["webhook-signature"] ?? "").split(" ").some((one) => {
    const [version, mac] = one.split(",");
    const signature = Buffer.from(mac ?? "", "base64");
    return version === "v1" && signature.length === right.length && timingSafeEqual(signature, right);
  });
}

const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces);
  const answer = (status, content) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(content));
  };
  if (secret && !isSigned(request.headers, body)) {
    return answer(401, { error: "the signature is wrong" });
  }
  const { orders } = JSON.parse(body);
  answer(200, { results: orders.map((order) => ({ id: order.id, ...work(order) })) });
});

server.listen(Number(process.argv[2] ?? 8080), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/`);
});
