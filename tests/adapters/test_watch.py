import asyncio
import gc
import weakref
from types import SimpleNamespace

import pytest

from costspan.adapters._adapter import Adapter, Operation, Seat
from costspan.adapters._usage import UsageMap
from costspan.adapters._watch import Watch
from costspan.adapters._wrap import Wrapping
from costspan.adapters.openai import CHAT
from costspan.bill import Bills
from costspan.call import Call, Request
from costspan.config import Settings
from costspan.usage import Usage

COSTED = Operation("chat", usage=UsageMap(cost="cost"))
GROUNDED = Operation("chat", usage=UsageMap(output="tokens", web_searches="searches"))


def test_names_are_read_from_the_second_chunk_where_the_first_is_empty():
    """Azure sends the verdict of its prompt filter in a chunk of its own, without a model, before the answer."""
    observer = SimpleNamespace(finished=lambda _call: None)
    call = Call(Request("chat", "azure.ai.openai", "my-deployment"), observer)
    watch = Watch(call, CHAT, observer)
    for chunk in ({"id": "", "model": "", "choices": []}, {"id": "chatcmpl-1", "model": "gpt-4o-mini-2024-07-18"}):
        assert watch.see(chunk)
    watch.finish()

    assert (call.reply.model, call.reply.id) == ("gpt-4o-mini-2024-07-18", "chatcmpl-1")


@pytest.mark.parametrize("cost", ["1e999999999", 1e300, 10**400, "-1", "NaN", "Infinity", True, [1], "dear", 100_001])
def test_a_stated_cost_that_cannot_be_is_none(cost):
    """A number of so many digits would be computed with on the program's own thread."""
    observer = SimpleNamespace(finished=lambda _call: None)
    call = Call(Request("chat", "perplexity", "sonar"), observer)
    Watch(call, COSTED, observer).complete({"usage": {"cost": cost}})

    assert call.reply.stated_cost is None


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("server_error", "server_error"),
        ("rate_limit.tokens:v2", "rate_limit.tokens:v2"),
        ("refused: my secret", "error"),
    ],
)
def test_an_error_that_is_told_is_a_code_and_never_a_message(told, said):
    """Some providers have only a message, which may quote the prompt, and is different every time."""
    observer = SimpleNamespace(finished=lambda _call: None)
    call = Call(Request("generate_content", "replicate", "m"), observer)
    Watch(call, Operation("generate_content", error="error"), observer).complete({"error": told})

    assert str(call.error) == said


def test_of_many_usage_objects_each_count_is_kept_that_one_of_them_tells():
    """Gemini's searches come with any chunk; its counts come with every one."""
    observer = SimpleNamespace(finished=lambda _call: None)
    call = Call(Request("chat", "openai", "m"), observer)
    watch = Watch(call, GROUNDED, observer)
    for number in range(1, 500):
        watch.see({"usage": {"tokens": number, **({"searches": 2} if number == 100 else {})}})
    watch.finish()

    assert call.reply.usage == Usage(output=499, web_searches=2)


@pytest.mark.parametrize("usage", [None, {}, "29 tokens", [29], 29, {"completion_tokens": "ten"}])
def test_the_text_of_an_answer_is_there_to_be_counted_where_its_usage_tells_nothing(usage):
    observer = SimpleNamespace(finished=lambda _call: None)
    call = Call(Request("chat", "openai", "m"), observer)
    Watch(call, CHAT, observer).complete({"choices": [{"message": {"content": "It is."}}], "usage": usage})

    assert (call.reply.usage, call.reply.text) == (None, "It is.")


@pytest.mark.parametrize("items", [0, 3])
@pytest.mark.parametrize("content", [None, "captured"])
def test_a_stream_that_is_watched_from_outside_is_freed_when_the_program_lets_go(items, content):
    """As LiteLLM's and Azure's are, which hold all that they have given."""
    observer = SimpleNamespace(finished=lambda _call: None, bills=Bills())
    step = Seat("sdk", "Stream.__next__", steps=True)
    wrapping = Wrapping(Adapter("sdk", "sdk >= 1", (step,)), observer, Settings())
    next_of = wrapping.wrapper(step)

    class Stream:
        left = items

        def __next__(self):
            if not self.left:
                raise StopIteration
            self.left -= 1
            return {"usage": {"prompt_tokens": 19}}

    call = Call(Request("chat", "sdk", "m", stream=True), observer)
    call.content = content
    stream = Stream()
    wrapping._deliver(stream, Watch(call, CHAT, observer))
    freed = weakref.ref(stream)
    for _ in range(items):
        next_of(stream.__next__, stream, (), {})
    with pytest.raises(StopIteration):
        next_of(stream.__next__, stream, (), {})
    del call, stream
    gc.collect()

    assert freed() is None


@pytest.mark.parametrize(("ending", "error"), [(StopAsyncIteration, ""), (ConnectionError, "ConnectionError")])
def test_a_stream_that_closes_itself_at_its_end_is_not_one_that_the_program_left(ending, error):
    """LiteLLM's do since 1.109."""
    ended = []
    observer = SimpleNamespace(finished=ended.append, started=lambda _call: None, bills=Bills())
    step, close = Seat("sdk", "Stream.__anext__", steps=True, waits=True), Seat("sdk", "Stream.aclose", waits=True)
    wrapping = Wrapping(Adapter("sdk", "sdk >= 1", (step, close)), observer, Settings())
    close_of, next_of = wrapping.wrapper(close), wrapping.wrapper(step)

    class Stream:
        usage = None

        async def aclose(self):
            pass

        async def __anext__(self):
            await close_of(self.aclose, self, (), {})
            self.usage = {"prompt_tokens": 19}
            raise ending

    call = Call(Request("chat", "sdk", "m", stream=True), observer)
    stream = Stream()
    wrapping._deliver(stream, Watch(call, CHAT, observer))
    with pytest.raises(ending):
        asyncio.run(next_of(stream.__anext__, stream, (), {}))

    assert ended == [call]
    assert (call.error or "", call.reply.partial) == (error, False)
