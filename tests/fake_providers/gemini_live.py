"""The wire format of Gemini's live sessions: JSON over an encrypted websocket (from google-genai 3.4, 2026-11-22)."""

from __future__ import annotations

import json
import ssl
from contextlib import contextmanager
from threading import Thread

import trustme
from websockets.sync.server import serve


def usage(prompt, answer, sound=0, **more):
    """The counts of one turn; the prompt is all of the session up to there."""
    details = [{"modality": "TEXT", "tokenCount": answer - sound}, {"modality": "AUDIO", "tokenCount": sound}]
    counts = {"promptTokenCount": prompt, "responseTokenCount": answer, "totalTokenCount": prompt + answer}
    return {"usageMetadata": {**counts, "responseTokensDetails": details, **more}}


def said(text):
    return {"serverContent": {"modelTurn": {"role": "model", "parts": [{"text": text}]}}}


CALLED = {"toolCall": {"functionCalls": [{"id": "f1", "name": "weather", "args": {}}]}}
DONE = {"serverContent": {"turnComplete": True}}
RESUMED = {"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}}


@contextmanager
def session(monkeypatch, *turns):
    """The base URL of a server that answers the n-th message of a program with the n-th turn: a list of messages."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    def talk(connection):
        connection.recv()
        connection.send(json.dumps({"setupComplete": {}}).encode())
        for turn, _asked in zip(turns, connection, strict=False):
            for message in turn:
                connection.send(json.dumps(message).encode())

    with authority.cert_pem.tempfile() as path, serve(talk, "localhost", 0, ssl=context) as server:
        monkeypatch.setenv("SSL_CERT_FILE", path)
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"https://localhost:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()
