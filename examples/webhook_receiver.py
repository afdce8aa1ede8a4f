"""Receives webhooks with OpenAI's client: verifies each, drops repeats, and prints what is new.

Run it with `OPENAI_WEBHOOK_SECRET=whsec_… python examples/webhook_receiver.py PORT`.
"""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from openai import InvalidWebhookSignatureError, OpenAI

client = OpenAI(api_key="is not needed to verify")  # the secret comes from OPENAI_WEBHOOK_SECRET
known = set[str]()  # keep the ids of a day or more, where they survive a restart


class Receiver(BaseHTTPRequestHandler):
    """Answers soon, and does whatever takes long after that."""

    def do_POST(self) -> None:
        """Take one delivery."""
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            event = client.webhooks.unwrap(body, dict(self.headers))
        except (InvalidWebhookSignatureError, ValueError):
            self.send_response(400)
        else:
            if event.id not in known:
                print(event.type, event.data.id, flush=True)  # your work, or a note of it that survives a restart
                known.add(event.id)  # only now: had the work failed, the event would have to come again
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing but events."""


HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
