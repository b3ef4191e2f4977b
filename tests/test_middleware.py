"""Who pays, from the headers of a request."""

import asyncio

import pytest
from opentelemetry import context as otel
from opentelemetry.trace import SpanKind

import costspan
from costspan.guard import FAILURES

HEADERS = {"X-User-Id": "user", "x-team": "team"}


def asgi(app, headers, kind="http"):
    scope = {"type": kind, "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers]}
    asyncio.run(costspan.AsgiAttribution(app, HEADERS)(scope, None, None))


def payers(span):
    return {name: span.attributes.get(name) for name in ("user.id", "costspan.team")}


def test_the_headers_that_are_named_say_who_pays(telling):
    program = telling()

    async def app(_scope, _receive, _send):
        program.ask()

    asgi(app, [("x-user-id", "alice"), ("x-team", "Zoë"), ("x-secret", "no")])
    assert payers(program.spans[0]) == {"user.id": "alice", "costspan.team": "Zoë"}
    assert "no" not in program.spans[0].attributes.values()


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_name_beyond_ascii_is_read_as_it_was_meant(telling, encoding):
    program, sent = telling(), "Zoë".encode(encoding)

    async def app(_scope, _receive, _send):
        program.ask()

    def wsgi_app(_environ, _start_response):
        program.ask()
        return []

    scope = {"type": "http", "headers": [(b"x-team", sent)]}
    asyncio.run(costspan.AsgiAttribution(app, HEADERS)(scope, None, None))
    costspan.WsgiAttribution(wsgi_app, HEADERS)({"HTTP_X_TEAM": sent.decode("latin-1")}, None)
    assert [payers(span)["costspan.team"] for span in program.spans] == ["Zoë", "Zoë"]


def test_what_is_no_request_is_passed_on(telling):
    program = telling()

    async def app(_scope, _receive, _send):
        program.ask()

    asgi(app, [("x-user-id", "alice")], kind="lifespan")
    assert payers(program.spans[0]) == {"user.id": None, "costspan.team": None}


def test_odd_headers_do_not_reach_the_program(telling):
    program, served = telling(), []

    async def app(_scope, _receive, _send):
        served.append(True)

    asyncio.run(costspan.AsgiAttribution(app, HEADERS)({"type": "http", "headers": [(b"x-user-id", None)]}, None, None))
    assert served == [True]
    assert program.spans == ()
    FAILURES.clear()


def test_the_server_span_around_says_who_pays_too(telling):
    program = telling()

    async def app(_scope, _receive, _send):
        program.ask()

    with program.tracer.start_as_current_span("POST /chat", kind=SpanKind.SERVER):
        asgi(app, [("x-user-id", "alice")])
    request = program.span("POST /chat")
    assert request.attributes["user.id"] == "alice"
    assert request.attributes["costspan.rollup.cost"] == 8.85e-06


def test_a_server_span_that_begins_inside_in_a_context_of_its_headers_alone_says_who_pays_too(telling):
    """As OpenTelemetry's instrumentations of web frameworks do where the request names its trace."""
    program = telling()

    async def app(_scope, _receive, _send):
        token = otel.attach(otel.Context())
        with program.tracer.start_as_current_span("POST /chat", kind=SpanKind.SERVER):
            program.ask()
        otel.detach(token)

    asgi(app, [("x-user-id", "alice")])
    assert [payers(span)["user.id"] for span in program.spans] == ["alice", "alice"]
    with program.tracer.start_as_current_span("GET /next", kind=SpanKind.SERVER):
        program.ask()
    assert payers(program.span("GET /next"))["user.id"] is None


@pytest.mark.parametrize("kind", ["list", "stream"])
def test_a_wsgi_answer_is_made_inside_its_scope(telling, kind):
    program, closed = telling(), []

    def streamed():
        try:
            program.ask()
            yield b"one"
            program.ask()
            yield b"two"
        finally:
            closed.append(True)

    def app(_environ, _start_response):
        return streamed() if kind == "stream" else [program.ask() and b"onetwo"]

    body = costspan.WsgiAttribution(app, HEADERS)({"HTTP_X_USER_ID": "alice", "HTTP_X_OTHER": "x"}, None)
    assert b"".join(body) == b"onetwo"
    assert {payers(each)["user.id"] for each in program.spans} == {"alice"}
    assert closed == ([True] if kind == "stream" else [])


def test_who_pays_for_a_request_is_forgotten_though_another_middleware_goes_back_to_it():
    """As OpenTelemetry's does for WSGI: what it attaches in the call it detaches when the answer has been sent."""

    def app(_environ, _start_response):
        token = otel.attach(otel.set_value("span", 1))

        def chunks():
            yield b"x"
            otel.detach(token)

        return chunks()

    before = otel.get_current()
    body = costspan.WsgiAttribution(app, HEADERS)({"HTTP_X_TEAM": "search"}, None)
    assert b"".join(body) == b"x"
    body.close()

    assert otel.get_current() == before


def test_a_wsgi_answer_that_is_not_wanted_is_closed():
    closed = []

    class Body:
        def __iter__(self):
            return iter([b"x"])

        def close(self):
            closed.append(True)

    costspan.WsgiAttribution(lambda *_: Body(), HEADERS)({}, None).close()
    costspan.WsgiAttribution(lambda *_: iter([b"x"]), HEADERS)({}, None).close()
    assert closed == [True]
