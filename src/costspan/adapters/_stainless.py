"""The family of SDKs that share one choke point: `<package>._base_client.SyncAPIClient.request`, and async.

openai, anthropic, groq, together, writer, perplexity, cerebras, fireworks and others are made by one generator. One
seat there sees plain calls, `.parse()`, `.stream()`, raw and streaming responses, methods bound and clients made
before, and `client.post`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from costspan.adapters._adapter import Adapter, Opened, Operation, Route, Seat
from costspan.adapters._hosts import Host, resolve
from costspan.adapters._request import place, read_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from costspan.config import Settings

_RAW_HEADER = "x-stainless-raw-response"
_MOST_ADDRESSES = 256  # of clients; a program that makes one for every call must not fill the memory
_ADDRESSES: dict[int, tuple[Any, str, int, str]] = {}  # by the id of the URL object that comes first


def stainless(package: str) -> tuple[Seat, ...]:
    """The seats of an SDK of this family."""
    base, stream, response = f"{package}._base_client", f"{package}._streaming", f"{package}._response"
    return (
        Seat(base, "SyncAPIClient.request", open=open_request),
        Seat(base, "AsyncAPIClient.request", open=open_request, waits=True),
        Seat(stream, "Stream.close", closes="_iterator"),
        Seat(stream, "AsyncStream.close", closes="_iterator", waits=True),
        Seat(response, "APIResponse.parse", parses=True),
        Seat(response, "AsyncAPIResponse.parse", parses=True, waits=True),
        Seat(f"{package}._legacy_response", "LegacyAPIResponse.parse", parses=True),  # some have it, some had
        Seat(response, "APIResponse.close", closes="_parsed_by_type"),
        Seat(response, "AsyncAPIResponse.close", closes="_parsed_by_type", waits=True),
    )


def open_request(
    adapter: Adapter, _seat: Seat, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any], settings: Settings
) -> Opened | None:
    """A call as `request(cast_to, options, *, stream, stream_cls)` shows it; None for files, models and the like."""
    options = kwargs["options"] if "options" in kwargs else args[1]
    found = find_route(adapter.routes, options.method.upper(), options.url)
    if found is None:
        return None
    operation, resource = found
    if resource and operation.known is not None and not operation.known(resource):
        return None
    body = options.json_data if isinstance(options.json_data, dict) else {}
    request = read_request(operation, adapter.provider, body)
    request.stream, request.resource = bool(kwargs.get("stream")), resource
    host = place_client(request, client, options.url, adapter, settings)
    hidden = (
        request.stream
        and operation.asks_usage
        and host.stream_usage
        and not _raw_header(options)
        and settings.stream_usage == "auto"
        and "stream_options" not in body
        and "stream_options" not in (getattr(options, "extra_json", None) or {})
    )
    changed: dict[str, Any] = {}  # in a copy: the program may have made these options
    if hidden:
        changed["json_data"] = {**body, "stream_options": {"include_usage": True}}
    parse = getattr(options, "post_parser", None) if operation.name == "chat" else None
    if callable(parse):
        request.parsing = changed["post_parser"] = Parsing(parse)
    if changed:
        asking = options.model_copy() if hasattr(options, "model_copy") else options.copy()
        for name, value in changed.items():
            setattr(asking, name, value)
        args, kwargs = ((args[0], asking), kwargs) if len(args) > 1 else (args, {**kwargs, "options": asking})
    return Opened(operation, request, args, kwargs, hidden)


class Parsing:
    """Makes of an answer what the program asked for, which may raise: what is paid for by then is kept."""

    def __init__(self, parse: Callable[[Any], Any]) -> None:
        self._parse = parse
        self.answer: Any = None

    def __call__(self, answer: Any) -> Any:
        self.answer = answer
        parsed = self._parse(answer)
        self.answer = None
        return parsed


def place_client(request: Any, client: Any, url: str, adapter: Adapter, settings: Settings) -> Host:
    """Who answers, by the address: put on the request, and given back."""
    if "://" not in url:
        base = client._base_url
        _, request.host, request.port, where = _ADDRESSES.get(id(base)) or _remember(base)
    else:
        place(request, url)
        where = urlsplit(url).path
    if not adapter.by_host:
        return Host(adapter.provider, adapter.provider, stream_usage=True)
    host = resolve(request.host, request.port, where, adapter.provider, settings.hosts)
    if (
        adapter.clients
        and host.biller == (request.host or adapter.provider)
        and (platform := _platform(client.__class__, adapter))
    ):
        host = Host(platform, platform)  # an address of its own (a private endpoint): the client's class tells
    request.provider, request.biller, request.geo = host.provider, host.biller, host.geo
    return host


def _remember(base: Any) -> tuple[Any, str, int, str]:
    """Host, port and path of a client's URL object, which takes long to say them. It is held, so its id is its own."""
    if len(_ADDRESSES) >= _MOST_ADDRESSES:
        _ADDRESSES.clear()
    address = base, base.host, base.port or (443 if base.scheme == "https" else 80), base.path
    _ADDRESSES[id(base)] = address
    return address


@lru_cache(maxsize=256)
def _platform(client: type, adapter: Adapter) -> str:
    """The provider whose client class this is, for a platform that has its own."""
    return next((adapter.clients[kind.__name__] for kind in client.__mro__ if kind.__name__ in adapter.clients), "")


def _raw_header(options: Any) -> bool:
    headers = options.headers
    if not headers or not isinstance(headers, dict):
        return False
    return any(name.lower() == _RAW_HEADER for name in headers)


@lru_cache(maxsize=1024)
def find_route(routes: tuple[Route, ...], method: str, url: str) -> tuple[Operation, str] | None:
    """The operation of an HTTP method and URL, by the end of its path, and the id in it; the longest suffix wins."""
    segments = urlsplit(url).path.strip("/").split("/")
    best: tuple[int, Operation, str] | None = None
    for route in routes:
        wanted = route.suffix.strip("/").split("/")
        if route.method != method or len(wanted) > len(segments):
            continue
        found = segments[-len(wanted) :]
        if all(want in (have, "{id}") for want, have in zip(wanted, found, strict=True)) and (
            best is None or len(wanted) > best[0]
        ):
            best = len(wanted), route.operation, dict(zip(wanted, found, strict=True)).get("{id}", "")
    return best[1:] if best else None
