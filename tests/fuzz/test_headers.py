"""Whatever a request's headers and baggage say: the program is called, and who pays is short, printable text."""

from __future__ import annotations

import asyncio

from arbitrary import SCALARS, fuzzed
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import context as otel
from opentelemetry.baggage.propagation import W3CBaggagePropagator

from costspan.attributing import attribution, from_baggage
from costspan.guard import FAILURES
from costspan.middleware import AsgiAttribution, WsgiAttribution
from costspan.scope import scope_in

HEADERS = {"x-user-id": "user", "X-Team": "team", "x-tier": "tier"}
NAMES = st.one_of(st.sampled_from([b"x-user-id", b"x-team", b"x-tier", b"X-TEAM"]), st.binary(max_size=6))
VALUES = st.one_of(st.binary(max_size=20), st.sampled_from([b"alice", b"\xff\xfe", b"a\r\nb", b"x" * 5000, b" "]))


def must_be_payers(payers):
    for key, value in payers.items():
        assert isinstance(key, str)
        assert isinstance(value, str)
        assert 0 < len(value) <= 256
        assert value.isprintable()
    assert FAILURES.counts == {}


def here():
    return scope_in(otel.get_current()).payers


@fuzzed
@given(st.lists(st.tuples(NAMES, VALUES), max_size=6), st.sampled_from(["http", "websocket", "lifespan"]))
def test_any_headers_of_an_asgi_request_are_read(headers, kind):
    FAILURES.clear()
    seen = []

    async def app(scope, receive, send):
        seen.append(here())

    asyncio.run(AsgiAttribution(app, HEADERS)({"type": kind, "headers": headers}, None, None))
    [payers] = seen
    assert payers.keys() <= set(HEADERS.values())
    must_be_payers(payers)
    assert here() == {}


@fuzzed
@given(
    st.dictionaries(
        st.sampled_from(["HTTP_X_USER_ID", "HTTP_X_TEAM", "HTTP_X_TIER", "PATH_INFO"]),
        st.one_of(SCALARS, VALUES.map(lambda value: value.decode("latin-1"))),
    ),
    st.booleans(),
)
def test_any_headers_of_a_wsgi_request_are_read(environ, lazily):
    FAILURES.clear()
    seen = []

    def app(environ, start_response):
        seen.append(here())
        return (seen.append(here()) or each for each in (b"a", b"b")) if lazily else [b"ab"]

    assert b"".join(WsgiAttribution(app, HEADERS)(environ, None)) == (b"ab")
    for payers in seen:
        must_be_payers(payers)
    assert here() == {}


@fuzzed
@given(
    st.one_of(
        st.text(max_size=80),
        st.lists(st.tuples(st.sampled_from(["costspan.team", "costspan.user", "x"]), st.text(max_size=12))).map(
            lambda said: ",".join(f"{key}={value}" for key, value in said)
        ),
    )
)
def test_any_baggage_is_read(header):
    FAILURES.clear()
    context = W3CBaggagePropagator().extract({"baggage": header}, otel.Context())
    payers = from_baggage(context, ("team", "user"))
    assert payers.keys() <= {"team", "user"}
    must_be_payers(payers)


class Textless:
    def __str__(self):
        raise ZeroDivisionError


@fuzzed
@given(st.dictionaries(st.text(min_size=1, max_size=5), st.one_of(SCALARS, st.builds(object)), max_size=40))
def test_anything_may_be_said_to_pay(payers):
    FAILURES.clear()
    with attribution(**{key: value for key, value in payers.items() if key != "self"}):
        must_be_payers(here())
    with attribution(team=Textless()):
        assert here() == {}
    FAILURES.clear()
