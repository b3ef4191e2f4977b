"""Other engines for OpenAI's encodings beside tiktoken: are they exact, how fast, do they hold Python's lock.

pip install splintr-rs quicktok-v1 gigatoken; python benchmarks/fast_engines.py
"""

from __future__ import annotations

import importlib.metadata
import random
import statistics
import threading
import time

from tokens import corpus

from costspan.tokens.vocabularies import load_encoding

NAME = "o200k_base"
ODD = [
    *"aZé9 .,'\n\r\t/!-_中文，。あア한ß̀😀\u00a0\u2028<|>sǅʰⅧ½١\x00",
    "<|endoftext|>",
    "'LL",
    "👨‍👩‍👧",
    " " * 50,
]


def splintr_rs():
    import splintr

    return splintr.Tokenizer.from_pretrained(NAME).encode_ordinary


def quicktok_v1():
    import quicktok

    return quicktok.get_encoding(NAME).encode_ordinary


def gigatoken():
    import gigatoken as library

    path = "o200k_base.tiktoken"  # as OpenAI publishes it, in the current folder
    return library.Tokenizer.from_tiktoken(path).as_tiktoken().encode_ordinary


def hostile(count=100_000):
    chance = random.Random(3)
    pieced = ("".join(chance.choice(ODD) for _ in range(chance.randrange(1, 60))) for _ in range(count))
    planes = (128, 0x3000, 0x110000)
    mixed = (
        "".join(chr(chance.randrange(chance.choice(planes))) for _ in range(chance.randrange(1, 400)))
        for _ in range(count)
    )
    return [text.encode("utf-8", "ignore").decode() for text in (*pieced, *mixed)]


def agreement(encode, exact, texts):
    wrong = refused = 0
    for text in texts:
        try:
            wrong += list(encode(text)) != exact(text)
        except Exception:  # noqa: BLE001, PERF203 a refusal is a finding here
            refused += 1
    return wrong, refused


def seconds(encode, text):
    begun = time.perf_counter()
    encode(text)
    return time.perf_counter() - begun


def ticks_beside(encode, text):
    """How often another thread comes in during one call, per second."""
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            time.sleep(0.001)
            ticks.append(1)

    thread = threading.Thread(target=tick)
    thread.start()
    took = seconds(encode, text)
    seen = len(ticks)
    done.set()
    thread.join()
    return seen / took


def main():
    exact = load_encoding(NAME).encode_ordinary
    texts, large = hostile(), corpus(5)
    print(f"{'':14}{'version':>9}{'strings':>9}{'differ':>8}{'refused':>9}{'1 MB':>7}{'2 kB':>7}{'ticks/s beside':>16}")
    for name, make in (("tiktoken", lambda: exact), ("splintr-rs", splintr_rs), ("quicktok-v1", quicktok_v1)):
        encode = make()
        wrong, refused = agreement(encode, exact, texts)
        assert all(list(encode(text)) == exact(text) for text in large)
        long = statistics.median(seconds(exact, text) / seconds(encode, text) for text in large * 2)
        short = statistics.median(
            seconds(exact, text[:2000]) / seconds(encode, text[:2000]) for text in large for _ in range(40)
        )
        version = importlib.metadata.version(name)
        beside = ticks_beside(encode, "".join(large))
        print(f"{name:14}{version:>9}{len(texts):9}{wrong:8}{refused:9}{long:6.1f}x{short:6.1f}x{beside:16.0f}")


if __name__ == "__main__":
    main()
