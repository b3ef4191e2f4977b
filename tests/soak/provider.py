"""The provider of the soak: the tests' fake OpenAI and Anthropic in a process of their own, told in headers what to do.

`x-usage` is the usage to report (JSON; `null`: none), `x-odd` the name of an odd answer, `x-cut` breaks a stream off
after so many chunks, `x-pause` waits before every part, `x-status` refuses a call, `x-once` its first attempt only.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from fake_providers import Answer, FakeProvider, Route, anthropic, openai, openai_odd

SLOW = {"slow"}  # odd in time, not in what they say
ODD = {name: answer for name, answer in openai_odd.PLAIN_CHAT.items() if name not in SLOW}
ODD_STREAMS = {name: answer for name, answer in openai_odd.STREAM_CHAT.items() if name not in SLOW}


def _is_first(headers):
    return headers.get("x-stainless-retry-count", "0") == "0"


def answering(operation):
    """A route that answers as the headers say, else as the operation does with the usage that they say."""

    def answer(asked):
        headers = asked.received.headers
        refusal = headers.get("x-status") or (headers.get("x-once") if _is_first(headers) else None)
        if refusal:
            made = openai.error(int(refusal), retry_after_ms="5")
        elif "x-odd" in headers:
            table = ODD_STREAMS if asked.fields.get("stream") else ODD
            made = table[headers["x-odd"]]
            made = made if isinstance(made, Answer) else made(asked)
        else:
            made = operation(usage=json.loads(headers["x-usage"]))(asked)
        if "x-cut" in headers:
            made = replace(made, parts=made.parts[: int(headers["x-cut"])], broken=True)
        return replace(made, pause_seconds=float(headers.get("x-pause", 0)))

    return answer


OPENAI = (
    Route("POST", "/chat/completions", answering(openai.chat)),
    Route("POST", "/responses", answering(openai.response)),
    Route("POST", "/embeddings", answering(openai.embeddings)),
)
ANTHROPIC = (Route("POST", "/v1/messages", answering(anthropic.message)),)


class Forgetful(list):
    """What was received: of no use here, and there is much of it."""

    def append(self, _received) -> None: ...


def main() -> None:
    """Serve until the standard input ends."""
    fakes = FakeProvider(OPENAI), FakeProvider(ANTHROPIC)
    for fake in fakes:
        fake._server.requests = Forgetful()
    print(*(fake.url for fake in fakes), flush=True)
    sys.stdin.read()
    for fake in fakes:
        fake.close()


if __name__ == "__main__":
    main()
