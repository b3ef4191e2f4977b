"""What of OpenAI's API needs logic: units that no count names, and answers that are seen more than once.

Source: billing rules 9 to 17 and sdk-usage 1.2 of 2026-11-21.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._billed import Once
from costspan.adapters._openai_fields import IMAGE_USAGE, RESPONSES_USAGE
from costspan.adapters._paths import member, path, text_of
from costspan.usage import ModelUsage, Usage

if TYPE_CHECKING:
    from costspan.call import Reply, Request

_TOOLS = path("tools|response.tools")
_DRAWN = path("tool_usage.image_gen|response.tool_usage.image_gen")
_OUTPUT = path("output|response.output")
_SEARCHES = path("tool_usage.web_search.num_requests|response.tool_usage.web_search.num_requests")
_CONTAINERS = {  # by the call: whose container it ran in, and where its tool says how large that is
    "code_interpreter_call": (path("container_id"), path("type=code_interpreter.container.memory_limit")),
    "shell_call": (path("environment.container_id"), path("type=shell.environment.memory_limit")),
}
_GIGABYTES = {"4g": 4, "16g": 16, "64g": 64}  # a session of so many times 1 GB costs so many times as much


_PENDING = Once()  # background responses whose making told no usage: billed when they are first seen with it
_FINISHED = Once()


def read_response(request: Request, last: Any, reply: Reply) -> None:
    """Server tools are billed by the call; a background response that tells no usage yet is billed when it does."""
    units = _tool_units(request, last)
    if reply.usage is None:
        if reply.id and (not reply.partial or member(request.body, "background")):  # else it is estimated now
            _PENDING.add(reply.id)
        return
    if units:
        reply.usage = reply.usage + Usage.of(units)
        reply.terms = reply.terms._replace(search_tool=_search_tool(request, last))
    if pictures := _items(last, "image_generation_call"):
        reply.parts += (_drawn(request, last), *(part for each in pictures for part in _written(each)))


def read_retrieved(request: Request, last: Any, reply: Reply) -> None:
    """A response asked for again was billed when it was made, unless its making could not tell the usage."""
    if reply.usage is None or not _PENDING.take(reply.id):
        reply.already_billed = True
    else:
        read_response(request, last, reply)


def bill_once(_request: Request, _last: Any, reply: Reply) -> None:
    """Work that is asked for again and again until it is done: billed when it tells what it took, once per id."""
    told = reply.usage is not None or reply.stated_cost is not None
    reply.already_billed = not told or not _FINISHED.add(reply.id)


def count_search(_request: Request, _last: Any, reply: Reply) -> None:
    """A search is billed by the request: the answer tells no count, and no model, for which price lists say so."""
    reply.model, reply.usage = "search", Usage(requests=1)


def count_images(request: Request, last: Any, reply: Reply) -> None:
    """Models before gpt-image report no tokens (LiteLLM writes 0 for them): they are billed by the picture."""
    reply.parts += _written(last)
    if not reply.usage and member(last, "error") is None:
        made = member(last, "data")
        asked = member(request.body, "n")
        count = len(made) if isinstance(made, list) else asked if type(asked) is int else 1
        reply.usage = Usage(images=count)


def count_characters(request: Request, _last: Any, reply: Reply) -> None:
    """Speech is billed by the characters of its input; the answer is sound and tells nothing."""
    text = member(request.body, "input")
    if isinstance(text, str):
        reply.usage = Usage(input_characters=len(text))


def _tool_units(request: Request, last: Any) -> dict[str, int]:
    items = _OUTPUT(last)
    units: dict[str, int] = {}
    searches = _SEARCHES(last)
    if type(searches) is int and searches > 0:
        units["web_searches"] = searches
    containers: dict[str, int] = {}
    for item in items if isinstance(items, list) else ():
        kind = text_of(member(item, "type"))
        if kind == "web_search_call" and searches is None:
            action = text_of(path("action.type")(item))
            if action in ("", "search"):
                units["web_searches"] = units.get("web_searches", 0) + 1
        elif kind in _CONTAINERS:
            own, memory = _CONTAINERS[kind]
            if (container := text_of(own(item))) or kind != "shell_call":  # else a shell of the program's own
                asked = memory(member(request.body, "tools")) or memory(_TOOLS(last))
                containers[container] = _GIGABYTES.get(text_of(asked), 1)
        elif kind == "file_search_call":
            units["file_searches"] = units.get("file_searches", 0) + 1
    if containers:
        units["code_sessions"] = sum(containers.values())
    return units


def _search_tool(request: Request, last: Any) -> str:
    tools = member(request.body, "tools") or _TOOLS(last)
    kinds = [text_of(member(tool, "type")) for tool in tools] if isinstance(tools, list) else []
    return "web_search_preview" if any(kind.startswith("web_search_preview") for kind in kinds) else "web_search"


def _drawn(request: Request, last: Any) -> ModelUsage:
    """Pictures that an image model made for a response: its tokens are not in `usage`, and it may not be named."""
    usage = IMAGE_USAGE.read((_DRAWN(last),)).usage
    tools = _TOOLS(last) or member(request.body, "tools")
    models = path("type=image_generation.model")(tools)
    return ModelUsage(text_of(models) or "image_generation", usage or Usage(images=1))


def _written(made: Any) -> tuple[ModelUsage, ...]:
    """A picture that is a text (SVG), by the model that wrote it: its tokens are in no other count."""
    told = member(made, "svg_usage")
    usage = RESPONSES_USAGE.read((told,)).usage
    return () if usage is None else (ModelUsage(text_of(member(told, "model")), usage),)


def _items(last: Any, kind: str) -> list[Any]:
    items = _OUTPUT(last)
    return [item for item in items if text_of(member(item, "type")) == kind] if isinstance(items, list) else []
