"""Teaches Schemathesis to send lists: it knows no serializer for lines of JSON."""

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/jsonl")
def lines(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()
