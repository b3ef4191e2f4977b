"""Where OpenAI's SDK makes connections: realtime sessions, and responses over a websocket."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from costspan.adapters._adapter import Opened, Operation, Seat
from costspan.adapters._paths import is_given, member
from costspan.adapters._request import read_request
from costspan.adapters._stainless import place_client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costspan.adapters._sessions import Session
    from costspan.adapters._watch import Watch
    from costspan.config import Settings


def open_connection(
    adapter: Any, seat: Seat, manager: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], settings: Settings
) -> Opened:
    """A connection about to be made, by what its manager was made with."""
    operation: Operation = seat.operation  # type: ignore[assignment] # every seat that connects has one
    given = {
        name: value
        for name in ("client", "model")
        if is_given(value := member(manager, f"_{seat.name.partition('.')[0]}__{name}"))
    }
    client = given.pop("client")
    request = read_request(operation, adapter.provider, given)
    request.stream = True
    place_client(request, client, str(client.websocket_base_url or ""), adapter, settings)
    return Opened(operation, request, args, kwargs)


def _connections(name: str, *modules: str) -> tuple[Seat, ...]:
    """The seats of a kind of connection, `Realtime`: where it is made, receives and is closed, sync and async."""
    session = Operation("chat", lookup=True, session=partial(_listen, name))
    return tuple(
        Seat(module, f"{kind}Connection{place}", waits=waits, **more)
        for module in modules
        for kind, enter, waits in ((name, "__enter__", False), (f"Async{name}", "__aenter__", True))
        for place, more in (
            (f"Manager.{enter}", _made(session)),
            ("Manager.enter", _made(session)),
            (".recv_bytes", {"receives": True}),
            (".close", {}),
        )
    )


def _made(session: Operation) -> dict[str, Any]:
    return {"open": open_connection, "operation": session, "streams": True}


def _listen(name: str, connected: Watch) -> Session:
    from costspan.adapters._openai_sessions import PARTS, Events  # noqa: PLC0415 only who connects needs it

    return Events(PARTS[name], connected)


CONNECTIONS = (
    *_connections("Realtime", "openai.resources.realtime.realtime", "openai.resources.beta.realtime.realtime"),
    *_connections("Responses", "openai.resources.responses.responses", "openai.resources.beta.responses.responses"),
    # where the newer ones are closed
    Seat("openai._websocket_connection", "WebSocketConnectionBase.close"),
    Seat("openai._websocket_connection", "AsyncWebSocketConnectionBase.close", waits=True),
)
