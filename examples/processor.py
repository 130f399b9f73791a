#!/usr/bin/env python3
"""A receiver of orders: workers post batches here, and it answers for each order.

    PROCESSOR_SECRET=whsec_... examples/processor.py 8080

Workers of the name `default` find it with PROCESSOR_URL=http://127.0.0.1:8080/ and the same
PROCESSOR_SECRET. Needs nothing but Python. docs/processing.md says what the calls look like.
"""

import base64
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ.get("PROCESSOR_SECRET", "")
done = {}  # What was done, by key. In a real one: a table with a unique key.


def process(order):
    """Does the work of one order, and says what became of it."""
    key = order["ref"] or order["id"]
    if key not in done:  # It may come again, and must be done once.
        if order["valor"] > 5000:
            return {"status": "fail", "error": "more than one order may cost"}
        done[key] = f"sent to {order['cliente']}"
    return {"status": "ok", "note": done[key]}


def is_signed(headers, body):
    """Standard Webhooks: did somebody who knows the secret send this, and just now?"""
    number, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent.isdecimal() or abs(time.time() - int(sent)) > 300:
        return False
    secret = base64.b64decode(SECRET.removeprefix("whsec_"))
    mac = hmac.digest(secret, f"{number}.{sent}.".encode() + body, "sha256")
    right = "v1," + base64.b64encode(mac).decode()
    # While a secret is replaced, there are two.
    signatures = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(one.encode(), right.encode()) for one in signatures)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # Connections are kept.

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if SECRET and not is_signed(self.headers, body):
            return self.answer(401, {"error": "the signature is wrong"})
        orders = json.loads(body)["orders"]
        self.answer(200, {"results": [{"id": order["id"], **process(order)} for order in orders]})

    def answer(self, status, content):
        content = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1] if sys.argv[1:] else 8080)), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
