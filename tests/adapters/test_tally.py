"""What many answers used is added up so that it costs what each of them does."""

from costspan.adapters._tally import LEAST_AUDIO_MS, STEPS, add_usage
from costspan.call import Reply
from costspan.pricing.catalog import Catalog
from costspan.pricing.store import bundled
from costspan.usage import ModelUsage, Usage


def test_the_steps_are_those_of_the_price_list():
    catalog = Catalog(bundled())
    models = [model for provider in bundled().providers for model in catalog.models(provider)]
    rates = [entry.rates for model in models for entry in (*model.periods, *model.variants)]

    assert {above for buckets in rates for steps in buckets.values() for above, _ in steps} <= {0, *STEPS}
    assert {model.minimum_audio_ms for model in models} <= {0, LEAST_AUDIO_MS}


def test_answers_are_kept_apart_by_model_and_by_what_makes_one_dearer():
    reply = Reply()

    for model, tokens, sound in (("a", 10, 0), ("a", 200_000, 0), ("b", 5, 0), ("a", 200_001, 0), ("a", 32_000, 0)):
        add_usage(reply, model, Usage(input=tokens, input_audio_ms=sound))
    add_usage(reply, "b", Usage(input=1, input_audio_ms=9_999))
    add_usage(reply, "b", Usage(input=1, input_audio_ms=10_000))
    add_usage(reply, "b", Usage(input=20_000, input_grounding=280_000))

    assert (reply.model, reply.usage) == ("a", Usage(input=32_010, requests=2))
    assert reply.parts == (
        ModelUsage("a", Usage(input=200_000, requests=1)),
        ModelUsage("b", Usage(input=20_005, input_grounding=280_000, requests=2)),
        ModelUsage("a", Usage(input=200_001, requests=1)),
        ModelUsage("b", Usage(input=1, input_audio_ms=9_999, requests=1)),
        ModelUsage("b", Usage(input=1, input_audio_ms=10_000, requests=1)),
    )
