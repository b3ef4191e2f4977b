from types import SimpleNamespace

from costspan.adapters._watch import Watch
from costspan.adapters.openai import CHAT
from costspan.call import Call, Request


def test_names_are_read_from_the_second_chunk_where_the_first_is_empty():
    """Azure sends the verdict of its prompt filter in a chunk of its own, without a model, before the answer."""
    observer = SimpleNamespace(finished=lambda _call: None)
    call = Call(Request("chat", "azure.ai.openai", "my-deployment"), observer)
    watch = Watch(call, CHAT, observer)
    for chunk in ({"id": "", "model": "", "choices": []}, {"id": "chatcmpl-1", "model": "gpt-4o-mini-2024-07-18"}):
        assert watch.see(chunk)
    watch.finish()

    assert (call.reply.model, call.reply.id) == ("gpt-4o-mini-2024-07-18", "chatcmpl-1")
