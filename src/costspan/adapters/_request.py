"""Reads what a program asks for out of the arguments it gave. Nothing is iterated and nothing is written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._adapter import Opened
from costspan.adapters._paths import text_of
from costspan.call import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costspan.adapters._adapter import Operation

_SENTINELS = ("NotGiven", "Omit", "Unset")  # SDKs' own words for an argument that was not given


def read_request(operation: Operation, provider: str, body: Mapping[str, Any]) -> Request:
    """The Request of these arguments: model, parameters that the conventions name, and who pays if they say so."""
    read = operation.read["request_model"]
    return Request(
        operation=operation.name,
        provider=provider,
        model=text_of(read(body)) if read else "",
        parameters=_scalars(operation.parameters, body),
        attribution={
            name: value
            for argument, name in operation.attribution.items()
            if isinstance(value := body.get(argument), str) and value
        },
        body=body,
    )


def _scalars(names: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values by their conventional names; a list only if all of it is text."""
    found = {}
    for argument, name in names.items():
        value = body.get(argument)
        if value is None:
            continue
        if isinstance(value, (bool, int, float, str)) or _is_texts(value):
            found[name] = value
    return found


def _is_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)


def is_given(value: Any) -> bool:
    """Whether an argument has a value, and not an SDK's sentinel for its absence."""
    return value is not None and type(value).__name__ not in _SENTINELS


def open_keywords(
    adapter: Any, seat: Any, _instance: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], _settings: Any
) -> Any:
    """A call of a method that takes keywords, for SDKs without a choke point."""
    body = {name: value for name, value in kwargs.items() if is_given(value)}
    request = read_request(seat.operation, adapter.provider, body)
    request.stream = bool(body.get("stream"))
    return Opened(seat.operation, request, args, kwargs)
