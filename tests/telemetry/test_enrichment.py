"""Spans of other tools: priced as they end, counted once; requests and agents show what is below them."""

import gc
import weakref
from types import SimpleNamespace

import pytest
from fake_providers import openai
from openai import InternalServerError
from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, Context
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind

import costspan
from costspan.guard import FAILURES
from costspan.telemetry import enrichment

CALL = 8.85e-06
GENAI = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    "gen_ai.usage.input_tokens": 19,
    "gen_ai.usage.output_tokens": 10,
}
FOREIGN = {
    "conventions": GENAI,
    "openllmetry": {
        "llm.request.type": "chat",
        "gen_ai.system": "OpenAI",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.prompt_tokens": 19,
        "gen_ai.usage.completion_tokens": 10,
    },
    "openinference": {
        "openinference.span.kind": "LLM",
        "llm.provider": "openai",
        "llm.model_name": "gpt-4o-mini",
        "llm.token_count.prompt": 19,
        "llm.token_count.completion": 10,
    },
    "nothing of gen_ai": {
        "llm.request.type": "chat",
        "llm.provider": "openai",
        "llm.request.model": "gpt-4o-mini",
        "llm.usage.prompt_tokens": 19,
        "llm.usage.completion_tokens": 10,
    },
    "langfuse": {
        "langfuse.observation.type": "generation",
        "gen_ai.provider.name": "openai",
        "langfuse.observation.model.name": "gpt-4o-mini",
        "langfuse.observation.usage_details": '{"input": 19, "output": 10}',
    },
    "vercel": {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.model.provider": "openai.chat",
        "ai.model.id": "gpt-4o-mini",
        "ai.usage.promptTokens": 19,
        "ai.usage.completionTokens": 10,
    },
}


def foreign(program, attributes, name="chat", scope="other.tool", **more):
    span = program.tracer_provider.get_tracer(scope).start_span(name, **more)
    span.set_attributes(attributes)
    span.end()
    return program.span(name)


def test_a_tools_span_beside_the_one_that_the_sdk_makes_itself_is_a_layer_around_it(telling):
    """OpenInference does not make its span of Anthropic's `messages.stream` the current one."""
    program = telling()
    of = program.tracer_provider.get_tracer
    around = of("openinference.instrumentation.anthropic").start_span("tool", attributes=FOREIGN["openinference"])
    own = of("com.anthropic.sdk.python").start_span("own", attributes=GENAI)
    own.end()
    around.end()
    later = of("com.anthropic.sdk.python").start_span("later", attributes=GENAI)
    later.end()

    assert "gen_ai.usage.cost.amount" not in program.span("tool").attributes
    assert program.span("tool").attributes["costspan.kind"] == "repeat"
    assert program.span("own").attributes["gen_ai.usage.cost.amount"] == pytest.approx(CALL)
    assert costspan.current_cost().calls == 2


@pytest.fixture(params=["the SDK announces the end", "it does not"])
def announcing(request, monkeypatch):
    if request.param == "it does not":
        monkeypatch.setattr(enrichment, "_ANNOUNCES_END", False)
        monkeypatch.setattr(enrichment, "_stand_in_for_end", _standing_in(enrichment._stand_in_for_end))
        monkeypatch.setattr(enrichment.Enrichment, "_on_ending", lambda _self, _span: None)


def _standing_in(original):
    ending = enrichment.Enrichment._on_ending
    return lambda span, bound: original(span, lambda each: ending(bound.__self__, each))


@pytest.mark.parametrize("tool", FOREIGN)
def test_a_call_in_any_tools_words_gets_our_price(telling, announcing, tool):
    program = telling()
    span = foreign(program, FOREIGN[tool])
    assert span.attributes["gen_ai.usage.cost.amount"] == CALL
    assert span.attributes["costspan.price.status"] == "priced"
    assert costspan.current_cost() == (8_850_000_000, 29, 1, 0)
    costs = {attributes["costspan.bucket"]: point.value for attributes, point in program.points("costspan.cost")}
    assert costs == pytest.approx({"input": 2.85e-06, "output": 6e-06})


def test_a_model_that_no_list_knows_is_priced_as_the_one_that_was_asked_for(telling):
    program = telling()
    span = foreign(program, GENAI | {"gen_ai.response.model": "gpt-4o-mini-0709"})
    assert span.attributes["gen_ai.usage.cost.amount"] == CALL
    assert "costspan.terms.biller" not in span.attributes


@pytest.mark.parametrize(
    ("end", "seconds"), [(1_748_736_002, 2), (1_748_735_000, 0)], ids=["later", "before it begins"]
)
def test_a_call_takes_as_long_as_its_span_and_is_priced_at_its_time(telling, end, seconds):
    """o3 was five times as dear on 2025-06-01."""
    program = telling()
    said = GENAI | {"gen_ai.response.model": "o3"}
    del said["gen_ai.request.model"]
    program.tracer.start_span("chat", attributes=said, start_time=1_748_736_000 * 10**9).end(end * 10**9)
    [(labels, point)] = program.points("gen_ai.client.operation.duration")
    assert (point.sum, labels["gen_ai.request.model"]) == (seconds, "o3")
    assert "error.type" not in labels
    assert program.span("chat").attributes["gen_ai.usage.cost.amount"] == (19 * 10 + 10 * 40) / 1e6


def test_langfuses_stand_in_for_openais_sdk_tells_the_provider_by_the_name_of_its_spans(telling):
    program = telling()
    said = {name: value for name, value in FOREIGN["langfuse"].items() if name != "gen_ai.provider.name"}
    named, other = (foreign(program, said, name) for name in ("OpenAI-generation", "generation"))
    assert named.attributes["gen_ai.usage.cost.amount"] == CALL
    assert other.attributes["costspan.price.status"] == "unpriced"


def test_what_the_tool_says_itself_stays(telling):
    program = telling()
    span = foreign(program, GENAI | {"gen_ai.usage.cost": 7.0, "user.id": "theirs"})
    assert span.attributes["gen_ai.usage.cost"] == 7.0
    assert span.attributes["gen_ai.usage.cost.amount"] == CALL
    assert span.attributes["user.id"] == "theirs"


def test_xais_own_span_has_its_stated_cost_and_its_thoughts_beside_the_output(telling):
    program = telling()
    span = foreign(
        program,
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "xai",
            "gen_ai.request.model": "grok-4",
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 20,
            "gen_ai.usage.total_tokens": 420,
            "gen_ai.usage.reasoning_tokens": 300,
            "gen_ai.usage.cached_prompt_text_tokens": 60,
            "gen_ai.usage.cost_in_usd_ticks": 25_000_000,
        },
        scope="xai_sdk",
    )
    assert span.attributes["gen_ai.usage.cost.amount"] == 0.0025
    assert span.attributes["gen_ai.usage.cost.source"] == "provider"
    tokens = {attributes["costspan.bucket"]: point.value for attributes, point in program.points("costspan.tokens")}
    assert tokens == {"input": 40, "cache_read": 60, "output": 20, "reasoning": 300}


def test_anthropics_own_span_is_priced_with_its_cache_writes_by_life(telling):
    program = telling()
    foreign(
        program,
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": "claude-sonnet-4-5",
            "gen_ai.usage.input_tokens": 17,
            "gen_ai.usage.output_tokens": 20,
            "gen_ai.usage.cache_read.input_tokens": 5,
            "gen_ai.usage.cache_write.input_tokens": 2,
            "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": 0,
            "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 2,
        },
    )
    tokens = {attributes["costspan.bucket"]: point.value for attributes, point in program.points("costspan.tokens")}
    assert tokens == {"input": 10, "cache_read": 5, "cache_write_1h": 2, "output": 20}


def test_a_cost_that_the_provider_states_is_taken(telling):
    program = telling()
    stated = {"gen_ai.usage.cost.amount": 0.5, "gen_ai.usage.cost.source": "provider"}
    foreign(program, GENAI | stated)
    assert float(costspan.current_cost()) == 0.5


@pytest.mark.parametrize("kind", [SpanKind.SERVER, SpanKind.INTERNAL])
def test_a_call_that_ends_after_the_request_is_told_of_by_an_event(telling, kind):
    program = telling()
    with program.tracer.start_as_current_span("request", kind=kind):
        answer = program.ask(stream=True)
    list(answer)

    told = [attributes for name, attributes in program.events if name == "costspan.rollup.late"]
    assert [event["costspan.rollup.cost"] for event in told] == ([CALL] if kind is SpanKind.SERVER else [])


@pytest.mark.parametrize(("cost", "told"), [(0, [0.0]), (None, [None])])
def test_what_ends_after_the_request_and_costs_nothing_is_not_unknown(telling, cost, told):
    program = telling()
    late = costspan.record_call("acme", "acme-large")
    with program.tracer.start_as_current_span("request", kind=SpanKind.SERVER):
        late.begin()
    late.cost, late.usage = cost, costspan.Usage(input=1)
    late.end(None)
    events = [attributes for name, attributes in program.events if name == "costspan.rollup.late"]
    assert [event.get("costspan.rollup.cost") for event in events] == told


def test_the_address_tells_whose_prices_apply(telling):
    program = telling()
    span = foreign(program, GENAI | {"server.address": "gateway.example.com", "server.port": 443})
    assert span.attributes["costspan.price.status"] == "unpriced"
    assert "gen_ai.usage.cost.amount" not in span.attributes
    assert span.attributes["costspan.terms.biller"] == "gateway.example.com"


def test_the_address_tells_where_data_stays_which_costs_a_tenth_more(telling):
    program = telling()
    said = GENAI | {"gen_ai.request.model": "gpt-5.4", "gen_ai.response.model": "gpt-5.4", "server.port": 443}
    usual, eu = (
        foreign(program, said | {"server.address": host}, host) for host in ("api.openai.com", "eu.api.openai.com")
    )

    cost = usual.attributes["gen_ai.usage.cost.amount"] * 1.1
    assert eu.attributes["gen_ai.usage.cost.amount"] == pytest.approx(cost)
    assert eu.attributes["costspan.terms.geo"] == "eu"


@pytest.mark.parametrize("step", ["_place", "_price"])
def test_a_bug_of_ours_leaves_the_program_its_spans(telling, announcing, monkeypatch, step):
    def fail(*_args):
        raise ZeroDivisionError("a bug")

    program = telling()
    monkeypatch.setattr(enrichment.Enrichment, step, fail)
    span = foreign(program, GENAI)

    assert span.attributes.items() >= GENAI.items()
    assert {kind for _, kind in FAILURES.counts} == {"ZeroDivisionError"}
    FAILURES.clear()


def test_a_failed_call_of_another_tool_costs_nothing(telling):
    program = telling()
    span = foreign(program, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "error.type": "429"})
    assert "costspan.price.status" not in span.attributes
    assert costspan.current_cost() == (0, 0, 1, 0)


@pytest.mark.parametrize(
    "attributes",
    [
        {"http.request.method": "POST"},
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"},
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 5},
        {"openinference.span.kind": "CHAIN", "llm.model_name": "gpt-4o", "llm.token_count.prompt": 5},
        {"ai.operationId": "ai.generateText", "ai.model.id": "gpt-4o", "ai.usage.promptTokens": 5},
        GENAI | {"costspan.price.status": "priced"},
    ],
)
def test_what_is_no_call_or_is_priced_already_is_left_alone(telling, attributes):
    program = telling()
    span = foreign(program, attributes)
    assert dict(span.attributes) == attributes
    assert costspan.current_cost().calls == 0


def test_what_the_program_says_of_who_pays_goes_before_what_the_tool_says(telling):
    program = telling()
    said = GENAI | {"user.id": "of the tool", "costspan.team": "of the tool"}
    with costspan.attribution(team="search"):
        foreign(program, said)

    [(labels, _), *_] = program.points("costspan.cost")
    assert labels["costspan.team"] == "search"


def test_who_pays_where_the_span_began_is_on_it(telling):
    program = telling()
    with costspan.attribution(user="alice", team="search"):
        span = program.tracer.start_span("chat")
    span.set_attributes(GENAI)
    span.end()
    assert program.span("chat").attributes["user.id"] == "alice"
    assert program.span("chat").attributes["costspan.team"] == "search"


def test_our_call_inside_another_tools_span_goes_onto_that_span(telling):
    program = telling()
    with program.tracer.start_as_current_span("chat", attributes=GENAI), costspan.attribution(user="alice"):
        program.ask()
    [span] = program.spans
    assert span.attributes["gen_ai.usage.cost.amount"] == CALL
    assert span.attributes["user.id"] == "alice"
    assert costspan.current_cost().calls == 1


def test_a_span_that_is_not_made_current_is_found_by_its_call(telling):
    program = telling()
    span = program.tracer.start_span("generation")
    span.set_attribute("langfuse.observation.type", "generation")
    program.ask()
    span.end()
    program.ask()
    assert [each.name for each in program.spans] == ["generation", "chat gpt-4o-mini"]
    assert costspan.current_cost().calls == 2


def test_a_span_elsewhere_in_the_tree_is_not_taken_for_this_call(telling):
    program = telling()
    elsewhere = program.tracer.start_span("generation", attributes=GENAI)
    with program.tracer.start_as_current_span("step"):
        program.ask()
    elsewhere.end()
    assert [each.name for each in program.spans] == ["chat gpt-4o-mini", "step", "generation"]


def test_a_layer_above_a_counted_call_is_not_counted_again(telling):
    program = telling()
    with program.tracer.start_as_current_span("ChatOpenAI", kind=SpanKind.CLIENT) as layer:
        program.ask()
        layer.set_attributes(GENAI)
    assert costspan.current_cost().calls == 1
    assert "gen_ai.usage.cost.amount" not in program.span("ChatOpenAI").attributes


def test_a_layer_that_lost_its_context_is_known_by_the_response(telling):
    program = telling()
    answer = program.ask()
    span = foreign(program, GENAI | {"gen_ai.response.id": answer.id})
    assert "gen_ai.usage.cost.amount" not in span.attributes
    assert costspan.current_cost().calls == 1


def test_what_only_failed_below_does_not_make_a_tools_span_a_repeat(telling, fake_openai):
    """A gateway that fell back to another provider, which nobody else has seen."""
    program = telling()
    fake_openai.play(openai.error(503))
    with program.tracer.start_as_current_span("ChatOpenAI", kind=SpanKind.CLIENT) as layer:
        with pytest.raises(InternalServerError):
            program.ask()
        layer.set_attributes(GENAI)
    assert "costspan.kind" not in program.span("ChatOpenAI").attributes


@pytest.mark.parametrize(
    ("ids", "calls"),
    [
        (("chatcmpl-998", "chatcmpl-998"), 2),  # as short as Ollama's
        (("chatcmpl-BQ3pJ7wTz0", "chatcmpl-BQ3pJ7wTz1"), 2),
        (("chatcmpl-BQ3pJ7wTz0", "chatcmpl-BQ3pJ7wTz0"), 1),
        (("sixteen-letters0", "sixteen-letters0"), 1),
    ],
)
def test_two_spans_are_of_one_call_if_they_have_one_id_that_is_not_given_twice(telling, ids, calls):
    program = telling()
    for number, said in enumerate(ids):
        foreign(program, GENAI | {"gen_ai.response.id": said}, f"span {number}")
    assert costspan.current_cost().calls == calls


@pytest.mark.parametrize("kind", [SpanKind.SERVER, SpanKind.CONSUMER])
def test_a_request_shows_what_all_calls_below_cost(telling, announcing, kind):
    program = telling()
    with program.tracer.start_as_current_span("request", kind=kind):
        program.ask()
        with program.tracer.start_as_current_span("step"):
            program.ask()
            foreign(program, GENAI, "theirs")
    request = program.span("request").attributes
    assert request["costspan.rollup.calls"] == 3
    assert request["costspan.rollup.cost"] == pytest.approx(3 * CALL)
    assert request["costspan.rollup.tokens"] == 87
    assert not any("rollup" in name for name in program.span("step").attributes)


def test_where_a_span_alone_is_handed_on_its_payers_and_sums_go_with_it(telling):
    """As frameworks do that keep a run's span and make it current again in a callback."""
    program = telling()
    with costspan.attribution(team="search"), program.tracer.start_as_current_span("q", kind=SpanKind.SERVER) as span:
        token = otel.attach(trace.set_span_in_context(span, Context()))
        program.ask()
        otel.detach(token)

    assert program.spans[0].attributes["costspan.team"] == "search"
    assert program.span("q").attributes["costspan.rollup.calls"] == 1


def test_a_request_without_calls_shows_nothing(telling):
    program = telling()
    with program.tracer.start_as_current_span("request", kind=SpanKind.SERVER):
        pass
    assert dict(program.span("request").attributes) == {}


@pytest.mark.parametrize(
    "agent",
    [
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 9},
        {"openinference.span.kind": "AGENT"},
        {"traceloop.span.kind": "workflow"},
        {"langfuse.observation.type": "agent"},
    ],
)
def test_an_agent_of_another_tool_shows_what_its_calls_cost(telling, agent):
    program = telling()
    with program.tracer.start_as_current_span("agent", attributes=agent):
        program.ask()
    assert program.span("agent").attributes["costspan.rollup.cost"] == CALL
    assert "gen_ai.usage.cost.amount" not in program.span("agent").attributes


def test_a_request_inside_a_scope_adds_to_both(telling):
    program = telling()
    with costspan.observe(name="batch"):
        with program.tracer.start_as_current_span("request", kind=SpanKind.SERVER):
            program.ask()
            with costspan.observe(kind="tool", name="inner"):
                program.ask()
        program.ask()
    calls = {each.name: each.attributes.get("costspan.rollup.calls") for each in program.spans}
    assert calls["execute_tool inner"] == 1
    assert calls["request"] == 2
    assert calls["invoke_workflow batch"] == 3


def test_sums_are_right_where_no_span_is_sampled(telling):
    program = telling(sampler=ALWAYS_OFF)
    with costspan.observe(name="batch") as step:
        program.ask()
        assert step.spent.calls == 1
    assert program.spans == ()
    assert [name for name, _ in program.events] == ["costspan.call"]


def test_a_tools_span_of_a_stream_that_is_left_open_has_the_price_of_who_answers(telling):
    """Strands names itself the provider, and stops reading OpenAI's responses at the event that completes one."""
    program = telling()
    said = {"gen_ai.operation.name": "chat", "gen_ai.system": "strands-agents", "gen_ai.request.model": "gpt-4o-mini"}
    with program.tracer.start_as_current_span("chat", attributes=said) as span:
        stream = program.ask(stream=True)
        next(stream)
        span.set_attributes({"gen_ai.usage.input_tokens": 19, "gen_ai.usage.output_tokens": 10})
    list(stream)

    assert program.span("chat").attributes["gen_ai.usage.cost.amount"] == CALL
    assert costspan.current_cost().calls == 1


def test_two_tools_that_see_one_call_count_it_once(telling):
    program = telling()
    with program.tracer.start_as_current_span("outer", kind=SpanKind.CLIENT, attributes=GENAI):
        foreign(program, GENAI, "inner", kind=SpanKind.CLIENT)
    assert costspan.current_cost().calls == 1


def test_switched_off_it_does_nothing(telling):
    program = telling()
    costspan.uninstrument()
    span = foreign(program, GENAI)
    assert dict(span.attributes) == GENAI
    costspan.instrument(tracer_provider=program.tracer_provider)
    assert foreign(program, GENAI, "again").attributes["gen_ai.usage.cost.amount"] == CALL


def test_it_is_added_to_a_provider_once():
    provider = TracerProvider(shutdown_on_exit=False)
    for _ in range(3):
        costspan.instrument(tracer_provider=provider)
        costspan.uninstrument()
    assert len(provider._active_span_processor._span_processors) == 1


def test_a_provider_that_takes_no_processor_is_let_be():
    costspan.instrument(tracer_provider=trace.NoOpTracerProvider())
    costspan.uninstrument()


def test_a_span_is_not_kept_alive(telling, announcing):
    program = telling()
    span = program.tracer.start_span("x", kind=SpanKind.SERVER)
    gone = weakref.ref(span)
    span.end()
    program._exporter.clear()
    del span
    gc.collect()
    assert gone() is None


def test_a_request_says_who_pays_as_the_scope_around_and_those_below_do(telling):
    program = telling()
    request = program.tracer.start_as_current_span("request", Context(), kind=SpanKind.SERVER)  # as frameworks do
    with costspan.attribution(user="alice"), request, costspan.attribution(team="search"):
        program.ask()
    request = program.span("request").attributes
    assert (request["user.id"], request["costspan.team"]) == ("alice", "search")


LOGFIRE = GENAI | {"logfire.span_type": "span"}


def test_logfires_two_spans_of_a_stream_are_one_call_paid_for_by_who_began_it(telling):
    program = telling()
    began = {name: value for name, value in LOGFIRE.items() if "response" not in name and "usage" not in name}
    tracer = program.tracer_provider.get_tracer("logfire.openai")
    with costspan.attribution(user="alice"), tracer.start_as_current_span("Chat Completion", attributes=began):
        pass
    ended = tracer.start_span("streaming response", Context(), attributes=LOGFIRE | {"logfire.span_type": "log"})
    ended.end()
    assert "costspan.price.status" not in program.span("Chat Completion").attributes
    assert program.span("Chat Completion").attributes["costspan.kind"] == "repeat"
    assert "costspan.kind" not in program.span("streaming response").attributes
    assert program.span("streaming response").attributes["gen_ai.usage.cost.amount"] == CALL
    assert program.span("streaming response").attributes["user.id"] == "alice"
    assert costspan.current_cost().calls == 1


@pytest.mark.parametrize(
    ("scope", "recorded"), [("opentelemetry.instrumentation.openai", 0), ("opentelemetry.instrumentation.ag2", 1)]
)
def test_the_conventions_metrics_are_left_to_tools_that_record_them(telling, scope, recorded):
    """AG2 names its spans as the official instrumentations do, and records none."""
    program = telling()
    foreign(program, GENAI, scope=scope)
    assert len(program.points("gen_ai.client.operation.duration")) == recorded
    assert sum(point.value for _, point in program.points("costspan.calls")) == 1


def test_langsmiths_spans_are_made_of_calls_that_are_told_already(telling):
    """Its exporter makes them in a thread of its own, later, beside our span of the call; they name no answer's id."""
    program = telling()
    span = foreign(program, FOREIGN["openllmetry"] | {"langsmith.span.kind": "llm"}, "ChatOpenAI", "langsmith")
    assert "costspan.price.status" not in span.attributes
    assert span.attributes["costspan.kind"] == "repeat"
    assert program.points("costspan.calls") == []


def test_logfires_raw_usage_tells_what_was_cached(telling):
    program = telling()
    raw = '{"input_tokens_details": {"cached_tokens": 9}, "output_tokens_details": {"reasoning_tokens": 4}}'
    foreign(program, LOGFIRE | {"gen_ai.usage.raw": raw}, scope="logfire.openai")
    tokens = {attributes["costspan.bucket"]: point.value for attributes, point in program.points("costspan.tokens")}
    assert tokens == {"input": 10, "cache_read": 9, "output": 6, "reasoning": 4}


def test_what_attributes_tell_beside_raw_usage_counts_too(telling):
    program = telling()
    raw = '{"input_tokens": 7, "output_tokens": 3}'
    said = {"gen_ai.usage.raw": raw, "gen_ai.usage.details.reasoning_tokens": 4}
    foreign(program, LOGFIRE | said, scope="logfire.openai")
    assert counted(program) == {"input": 19, "output": 6, "reasoning": 4}


def test_openlits_span_is_known_by_its_tool_before_it_says_what_it_is(telling):
    program = telling()
    tracer = program.tracer_provider.get_tracer("openlit.instrumentation.openai")
    with tracer.start_as_current_span("chat gpt-4o-mini", kind=SpanKind.CLIENT):
        program.ask()
    [span] = program.spans
    assert span.attributes["gen_ai.usage.cost.amount"] == CALL


def test_a_span_beside_a_call_that_is_for_no_inference_is_not_taken(telling):
    program = telling()
    other = program.tracer.start_span("SELECT")
    program.ask()
    other.end()
    assert [each.name for each in program.spans] == ["chat gpt-4o-mini", "SELECT"]


def test_where_no_sdk_of_ours_is_on_spans_are_followed_all_the_same(monkeypatch, telling):
    program = telling()
    costspan.uninstrument()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: program.tracer_provider)
    costspan.instrumentors.follow_spans()
    assert foreign(program, GENAI).attributes["costspan.price.status"] == "priced"
    costspan.instrumentors.PLUGIN.stop()


def test_a_tool_that_writes_its_own_counts_at_the_end_still_shows_ours(telling):
    """OpenLIT counts a stream by itself, OpenLLMetry adds up what is cumulative."""
    program = telling()
    with program.tracer.start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat"}) as span:
        program.ask()
        span.set_attributes(GENAI | {"gen_ai.usage.output_tokens": 11, "gen_ai.response.model": "as the tool has it"})
    [span] = program.spans
    assert span.attributes["gen_ai.usage.output_tokens"] == 10
    assert span.attributes["gen_ai.usage.cost.amount"] == CALL
    assert span.attributes["gen_ai.response.model"] == "as the tool has it"
    assert costspan.current_cost().calls == 1


@pytest.mark.parametrize(("said", "cost"), [(GENAI, CALL), ({"gen_ai.operation.name": "chat"}, None)])
def test_a_tool_that_ends_its_span_before_the_stream_has_ended_has_the_price_of_its_counts(telling, said, cost):
    """As the official instrumentation does with streams of the Responses API. Our own count is what is added up."""
    program = telling()
    with program.tracer.start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat"}) as span:
        stream = program.ask(stream=True)
        span.set_attributes(said)
    list(stream)
    [span] = program.spans
    assert span.attributes.get("gen_ai.usage.cost.amount") == cost
    assert costspan.current_cost() == (8_850_000_000, 29, 1, 0)


def test_a_span_that_begins_where_telemetry_is_suppressed_is_not_counted_besides(telling):
    """Logfire suppresses what is below its own span; Anthropic's SDK makes its span there all the same."""
    program = telling()
    with program.tracer.start_as_current_span("above") as span:
        token = otel.attach(otel.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        foreign(program, GENAI, name="below")
        otel.detach(token)
        span.set_attributes(GENAI)
    assert "gen_ai.usage.cost.amount" not in program.span("below").attributes
    assert program.span("below").attributes["costspan.kind"] == "repeat"
    assert program.span("above").attributes["gen_ai.usage.cost.amount"] == CALL
    assert costspan.current_cost().calls == 1


@pytest.mark.parametrize(
    ("failure", "told"), [(KeyError("x"), "KeyError"), (None, "_OTHER")], ids=["an exception", "a status alone"]
)
def test_a_call_that_failed_by_its_span_s_status_costs_nothing(telling, failure, told):
    program = telling()
    span = program.tracer.start_span("chat", attributes={"gen_ai.operation.name": "chat", "gen_ai.system": "openai"})
    span.set_attribute("gen_ai.request.model", "gpt-4o")
    if failure is not None:
        span.record_exception(ValueError("tried again"))
        span.record_exception(failure)
    span.add_event("retried")
    span.set_status(trace.StatusCode.ERROR)
    span.end()
    assert program.span("chat").attributes["error.type"] == told
    assert "costspan.price.status" not in program.span("chat").attributes
    assert costspan.current_cost() == (0, 0, 1, 0)


def test_a_stream_whose_usage_logfire_was_not_told_counts_as_unpriced(telling):
    program = telling()
    said = {name: value for name, value in LOGFIRE.items() if "response" not in name and "usage" not in name}
    foreign(program, said, name="Chat Completion", scope="logfire.openai")
    ended = foreign(program, said | {"logfire.span_type": "log"}, name="streaming response", scope="logfire.openai")
    assert ended.attributes["costspan.price.status"] == "unpriced"
    assert costspan.current_cost() == (0, 0, 1, 1)


@pytest.mark.parametrize("told", [{"error.type": "Timeout"}, {"gen_ai.usage.input_tokens": 19}])
def test_a_span_of_logfires_that_tells_how_its_call_ended_is_the_calls_own(telling, told):
    program = telling()
    said = {name: value for name, value in LOGFIRE.items() if "response" not in name and "usage" not in name}
    span = foreign(program, said | told, scope="logfire.openai")
    assert "costspan.kind" not in span.attributes
    assert costspan.current_cost().calls == 1


def test_logfires_raw_usage_of_anthropic_tells_all_that_is_billed(telling):
    program = telling()
    raw = """{"cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 2},
    "output_tokens_details": {"thinking_tokens": 4}, "server_tool_use": {"web_search_requests": 1}}"""
    span = foreign(program, LOGFIRE | {"gen_ai.usage.raw": raw}, scope="logfire.anthropic")
    named = ("cache_write_5m", "cache_write_1h", "web_searches")
    assert [span.attributes["costspan.usage." + each] for each in named] == [3, 2, 1]
    assert span.attributes["gen_ai.usage.reasoning.output_tokens"] == 4


def counted(program):
    return {attributes["costspan.bucket"]: point.value for attributes, point in program.points("costspan.tokens")}


def test_the_vercel_ai_sdk_tells_what_was_cached_and_thought(telling):
    """Names of `ai` 6.0.326 and `@ai-sdk/otel` 1.0.173, read on 2026-11-22."""
    program = telling()
    details = {"inputTokenDetails.cacheReadTokens": 9, "inputTokenDetails.cacheWriteTokens": 3}
    details |= {"outputTokenDetails.reasoningTokens": 4}
    foreign(program, FOREIGN["vercel"] | {f"ai.usage.{name}": count for name, count in details.items()})
    assert counted(program) == {"input": 7, "cache_read": 9, "cache_write": 3, "output": 6, "reasoning": 4}


@pytest.mark.parametrize(
    ("said", "tokens"),
    [
        (
            '{"input": 7, "input_cache_read": 5, "output": 6, "output_reasoning": 4, "total": 22, "input_priority": 7}',
            {"input": 7, "cache_read": 5, "output": 6, "reasoning": 4},
        ),
        (
            '{"input": 7, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2, "output": 6}',
            {"input": 7, "cache_read": 5, "cache_write": 2, "output": 6},
        ),
        (
            '{"prompt_tokens": 12, "prompt_tokens_details": {"cached_tokens": 5}, "completion_tokens": 6}',
            {"input": 7, "cache_read": 5, "output": 6},
        ),
    ],
    ids=["of LangChain", "as its manual has it for Anthropic", "as OpenAI says it"],
)
def test_langfuses_own_input_leaves_out_what_has_a_name_of_its_own(telling, said, tokens):
    program = telling()
    foreign(program, FOREIGN["langfuse"] | {"langfuse.observation.usage_details": said})
    assert counted(program) == tokens


def test_langfuses_usage_that_is_no_count_is_no_failure(telling):
    program = telling()
    foreign(program, FOREIGN["langfuse"] | {"langfuse.observation.usage_details": '{"input": "x", "input_a": null}'})
    assert costspan.current_cost() == (0, 0, 1, 1)


def test_a_flush_gives_the_exporters_the_time_that_counting_has_left():
    provider, given = TracerProvider(shutdown_on_exit=False), []

    class Exporter(SpanProcessor):
        def force_flush(self, timeout_millis=None):
            given.append(timeout_millis)
            return True

    followed = enrichment.Enrichment(provider)
    followed.teller = SimpleNamespace(drain=lambda seconds: given.append(seconds) or seconds > 0)
    for each in (followed, Exporter()):
        provider.add_span_processor(each)

    assert followed.force_flush(20_000)
    *asked, left = given
    assert asked == [0, 20]
    assert 10_000 < left <= 20_000
