"""The wire format of OpenAI's realtime sessions: JSON over a websocket (from openai 3.54, 2026-11-22)."""

from __future__ import annotations

import json
from contextlib import contextmanager
from socket import SHUT_RDWR
from threading import Thread

from websockets.sync.server import serve

TRANSCRIPTION = "conversation.item.input_audio_transcription"
# 1,000 of text, 4,000 of sound, 500 of pictures; cached of each: 600, 3,000, 100
USAGE = {
    "total_tokens": 6000,
    "input_tokens": 5500,
    "output_tokens": 500,
    "input_token_details": {
        "text_tokens": 1000,
        "audio_tokens": 4000,
        "image_tokens": 500,
        "cached_tokens": 3700,
        "cached_tokens_details": {"text_tokens": 600, "audio_tokens": 3000, "image_tokens": 100},
    },
    "output_token_details": {"text_tokens": 100, "audio_tokens": 400},
}


def began(model="gpt-realtime-2025-08-28", transcriber=None):
    """What a session says first."""
    heard = {"transcription": {"model": transcriber} if transcriber else None}
    return {"type": "session.created", "session": {"type": "realtime", "model": model, "audio": {"input": heard}}}


def asked(key):
    return {"type": "response.created", "response": {"id": key, "status": "in_progress", "usage": None}}


def said(key, text):
    """A piece of an answer: its sound is most of what comes over the wire."""
    return {"type": "response.output_audio.delta", "response_id": key, "item_id": f"i-{key}", "delta": text}


def done(key, usage=USAGE, status="completed", **details):
    response = {"id": key, "status": status, "status_details": details or None, "output": [], "usage": usage}
    return {"type": "response.done", "event_id": "e", "response": response}


def answer(key, usage=USAGE):
    """All of a response."""
    return [asked(key), said(key, "Q2E="), said(key, "dHM="), done(key, usage)]


def heard(item):
    """The program's sound is complete, and is transcribed from here on, if that is asked for."""
    return {"type": "input_audio_buffer.committed", "item_id": item}


def transcribed(item, usage):
    return {"type": f"{TRANSCRIPTION}.completed", "item_id": item, "transcript": "Cats?", "usage": usage}


def untranscribed(item):
    error = {"type": "transcription_error", "code": "audio_unintelligible", "message": "?"}
    return {"type": f"{TRANSCRIPTION}.failed", "item_id": item, "error": error}


@contextmanager
def session(*turns):
    """The address of a server that sends the first turn at once, and one more for each message of the program.

    Bytes go out as they are; None breaks the connection. When there are no more turns, it is closed.
    """

    def talk(connection):
        first, *others = turns
        send(connection, first)
        for turn, _asked in zip(others, connection, strict=False):
            send(connection, turn)

    def send(connection, turn):
        for event in turn:
            if event is None:
                connection.socket.shutdown(SHUT_RDWR)
            elif isinstance(event, bytes):
                connection.send(event, text=True)
            else:
                connection.send(json.dumps(event, separators=(",", ":")))

    with serve(talk, "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()
