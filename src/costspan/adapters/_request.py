"""Reads what a program asks for out of the arguments it gave. Nothing is iterated and nothing is written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from costspan.adapters._adapter import Opened
from costspan.adapters._paths import is_given, member, path, text_of
from costspan.call import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costspan.adapters._adapter import Adapter, Operation

_LONGEST = 256  # characters of a user's name
_OUTPUT_TYPES = {  # the conventions' types, by what providers call them
    "text": "text",
    "text/plain": "text",
    "json": "json",
    "json_object": "json",
    "json_schema": "json",
    "application/json": "json",
}
_LISTS = frozenset({"stop_sequences", "encoding_formats"})  # always a list in the conventions, be it of one


def read_request(operation: Operation, provider: str, body: Mapping[str, Any]) -> Request:
    """The Request of these arguments: model, parameters that the conventions name, and who pays if they say so."""
    read, arguments = operation.read.request_model, operation.read.parameters_in
    parameters = _scalars(operation.parameters, arguments(body) if arguments else body)
    if not operation.names_output.isdisjoint(body) and (output := _output_type(operation, body)):
        parameters["output.type"] = output
    request = Request(operation.name, provider, text_of(read(body)) if read else "")
    request.parameters, request.body = parameters, body
    if not operation.names_payers.isdisjoint(body):
        request.attribution = _payers(operation, body)
    return request


def _output_type(operation: Operation, body: Mapping[str, Any]) -> str:
    """Of which type the answer is to be, in the conventions' word for it."""
    read = operation.read.output_type
    return _OUTPUT_TYPES.get(text_of(read(body)).lower(), "") if read is not None else ""


def _payers(operation: Operation, body: Mapping[str, Any]) -> dict[str, str]:
    """Who pays, by the arguments that name someone."""
    return {
        name: value[:_LONGEST]
        for name, payer in operation.read_payers
        if isinstance(value := payer(body), str) and value
    }


def _scalars(names: Mapping[str, str], arguments: Any) -> dict[str, Any]:
    """Plain values by their conventional names; a list only if all of it is text."""
    found = {}
    plain = type(arguments) is dict
    for argument in arguments if plain else names:
        if argument not in names:
            continue
        value = arguments[argument] if plain else member(arguments, argument)
        if value is not None and (isinstance(value, (float, int, str)) or _is_texts(value)):
            name = names[argument]
            found[name] = [value] if isinstance(value, str) and name in _LISTS else value
    return found


def _is_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)


def open_keywords(
    adapter: Any, seat: Any, instance: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], _settings: Any
) -> Any:
    """A call of a method that takes its arguments by name (or by position, where the seat names them)."""
    given = {**dict(zip(seat.arguments, args, strict=False)), **kwargs} if args else kwargs
    body = {name: value for name, value in given.items() if is_given(value)}
    request = read_request(seat.operation, adapter.provider, body)
    request.stream = seat.streams or bool(body.get("stream"))
    locate(request, adapter, instance)
    return Opened(seat.operation, request, args, kwargs)


def locate(request: Request, adapter: Adapter, instance: Any) -> None:
    """Put on a request where it goes: the client's own address, else the SDK's usual one."""
    read = path(adapter.address) if adapter.address else None
    if url := str((read and read(instance)) or adapter.home):
        place(request, url)


def place(request: Request, url: str) -> None:
    """Put the host and port of a URL on a request."""
    parts = urlsplit(url)
    request.host, request.port = parts.hostname or "", parts.port or (443 if parts.scheme in ("https", "wss") else 80)
