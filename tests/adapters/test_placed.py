"""What a program does with an SDK's functions, generators and coroutines themselves, besides calling them."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import pickle
import sys
import warnings
from types import ModuleType, SimpleNamespace

import pytest

from costspan.adapters._adapter import Adapter, Operation, methods
from costspan.adapters._patch import Patches
from costspan.adapters._request import open_keywords
from costspan.adapters._streams import AsyncStream, SyncStream
from costspan.adapters._wrap import Wrapping
from costspan.bill import Bills
from costspan.config import Settings

CHAT = Operation("chat")


class Client:
    """An SDK's, with what such have."""

    def __init__(self, name="own"):
        self.name = name

    def ask(self, question):
        """Give an answer."""
        return f"{self.name}: {question}"

    @classmethod
    def ask_all(cls, question):
        return f"{cls.__name__}: {question}"

    async def ask_later(self, question):
        return self.ask(question)

    def tell(self):
        """A generator that has something to do at its end, however it comes."""
        try:
            self.name = (yield "cats") or self.name
            yield "sleep"
        except LookupError:
            yield "pardon?"
        finally:
            self.name = "ended"

    async def tell_later(self):
        try:
            for word in ("cats", "sleep", "well"):
                yield word
        finally:
            self.name = "ended"


def ask(question):
    """Give an answer."""
    return question


def _later(waiting):
    """As decorators of SDKs do: nothing shows that this is to be awaited."""

    def call(*args):
        return waiting(*args)

    return call


Client.ask_hidden = _later(Client.ask_later)
SEATS = ("ask", "ask_all", "ask_later", "ask_hidden", "tell", "tell_later")


@pytest.fixture
def calls(monkeypatch):
    """The calls that were told, of the functions above under costspan."""
    ask.__module__, ask.__qualname__, ask.__name__ = "sdk", "ask", "ask"
    sdk = ModuleType("sdk")
    sdk.Client, sdk.ask = Client, ask
    monkeypatch.setitem(sys.modules, "sdk", sdk)
    told = []
    observer = SimpleNamespace(
        watching=lambda: True,
        refusal=lambda call: None,
        started=lambda call: None,
        finished=told.append,
        bills=Bills(),
    )
    adapter = Adapter("sdk", "sdk >= 1", ())
    wrapping, patches = Wrapping(adapter, observer, Settings()), Patches()
    for where, names in (("sdk:Client", SEATS), ("sdk:", ("ask",))):
        for name in names:
            (seat,) = methods(where, {name: CHAT}, opener=open_keywords, waits=name == "ask_later")
            patches.place(seat.module, seat.name, wrapping.wrapper(seat))
    assert patches.count == len(SEATS) + 1
    yield told
    patches.remove()


def test_a_function_is_copied_as_data_is_that_holds_it(calls):
    held = {"ask": sys.modules["sdk"].ask, "method": Client.ask}

    assert copy.copy(held["ask"]) is held["ask"]
    assert copy.deepcopy(held) == held
    assert copy.deepcopy(held)["method"](Client(), "?") == "own: ?"
    assert len(calls) == 1


def test_a_method_is_copied_with_what_it_is_bound_to(calls):
    client = Client()
    method, of_class = copy.deepcopy([client.ask, Client.ask_all])
    client.name = "another"

    assert (method("?"), of_class("?")) == ("own: ?", "Client: ?")
    assert len(calls) == 2


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_function_is_pickled_by_name_and_is_the_bare_one_where_costspan_is_not(calls, protocol, monkeypatch):
    sdk = sys.modules["sdk"]
    sent = pickle.dumps([sdk.ask, Client("far").ask, Client.ask_all], protocol)

    assert [take("?") for take in pickle.loads(sent)] == ["?", "far: ?", "Client: ?"]  # noqa: S301 our own
    assert len(calls) == 3
    monkeypatch.setattr(sdk, "ask", ask)
    assert pickle.loads(sent)[0] is ask  # noqa: S301 as above


def test_a_function_is_shown_as_the_original(calls):
    placed = sys.modules["sdk"].ask

    assert repr(placed) == repr(ask)
    assert repr(Client().ask).startswith("<bound method Client.ask of ")
    assert (placed.__module__, placed.__doc__, Client.ask.__doc__) == ("sdk", "Give an answer.", "Give an answer.")


def test_what_a_program_writes_on_a_function_stays_on_it(calls):
    placed = sys.modules["sdk"].ask
    placed.__doc__, placed.__module__ = "Asks.", "elsewhere"

    assert (ask.__doc__, ask.__module__) == ("Asks.", "elsewhere")
    placed.__doc__ = "Give an answer."


@pytest.mark.parametrize("name", ["tell", "tell_later", "ask_later", "ask_hidden"])
def test_generators_and_coroutines_are_called_as_the_sdks_own(calls, name):
    made = getattr(Client(), name)(*["?"] * name.startswith("ask"))
    wanted = "ask_later" if name == "ask_hidden" else name

    assert (made.__name__, made.__qualname__) == (wanted, f"Client.{wanted}")
    if inspect.iscoroutine(made):
        assert asyncio.run(made) == "own: ?"


def test_a_coroutine_that_nobody_awaits_is_named_in_the_warning(calls):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("ignore")  # of what other tests left, collected here
        warnings.simplefilter("always", RuntimeWarning)
        Client().ask_later("?")
        gc.collect()

    assert [str(each.message) for each in warned] == ["coroutine 'Client.ask_later' was never awaited"]
    assert calls == []


def test_what_is_thrown_or_sent_into_a_generator_reaches_the_sdks_own(calls):
    client = Client()
    stream = client.tell()

    assert next(stream) == "cats"
    assert stream.send("renamed") == "sleep"
    assert client.name == "renamed"
    assert stream.throw(LookupError()) == "pardon?"
    with pytest.raises(ValueError, match="its own") as held:
        stream.throw(ValueError("its own"))
    assert client.name == "ended"  # at once, though the error is held
    assert held.value.__traceback__.tb_next.tb_next is not None
    assert [call.error for call in calls] == ["ValueError"]


def test_an_async_generator_ends_the_sdks_own_at_once(calls):
    client = Client()

    async def throw():
        stream = client.tell_later()
        await anext(stream)
        with pytest.raises(ValueError, match="its own") as held:
            await stream.athrow(ValueError("its own"))
        return client.name, held

    assert asyncio.run(throw())[0] == "ended"
    assert [call.error for call in calls] == ["ValueError"]


@pytest.mark.parametrize("kind", [SyncStream, AsyncStream])
@pytest.mark.parametrize("use", [copy.copy, copy.deepcopy, pickle.dumps])
def test_what_stands_in_a_stream_is_copied_no_more_than_a_generator(kind, use):
    with pytest.raises(TypeError, match="cannot pickle 'generator' object"):
        use(kind((each for each in ()), None))
