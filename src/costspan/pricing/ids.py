"""Which ids of the price list a model name may stand for: exact rules, no likeness."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from costspan.pricing.providers import MAKERS, canonical_provider

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAY = re.compile(r"[-@](20\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])$")
_BEDROCK_VERSION = re.compile(r"(-v\d+)?(:\d+)?(:\d+k|:mm)?$")
_GOVCLOUD = "us-gov."  # of an inference profile, which keeps within it
_BEDROCK_REGION = re.compile(r"^(us-gov|us|eu|apac|ap|jp|au|ca|sa|me|in|uk|global)\.(?=[a-z0-9]+\.)")
_LITELLM_ROUTE = re.compile(r"^(converse|converse_like|invoke)/")  # which of Bedrock's APIs LiteLLM is to use
_OPAQUE = (
    "application-inference-profile",
    "imported-model",
    "custom-model",
    "custom-model-deployment",
    "prompt",
    "endpoint",
)
_GOOGLE_BUILD = re.compile(r"-0\d\d$|-preview-\d\d-\d\d(\d\d)?$|-exp-\d{4}$")
_RESOURCE = re.compile(r"^(?:.*?/)??(?:publishers/([^/]+/))?models/")


def is_opaque(model: str) -> bool:
    """Whether a name cannot tell which model it is: an ARN that only its owner can resolve."""
    return model.startswith("arn:") and model.split(":", 5)[-1].partition("/")[0] in _OPAQUE


def is_provisioned(model: str) -> bool:
    """Whether a Bedrock ARN names capacity that is billed by the hour."""
    return model.startswith("arn:") and model.split(":", 5)[-1].startswith("provisioned-model/")


def without_version(name: str) -> str:
    """A Bedrock id without its version: `amazon.nova-lite-v1:0` is `amazon.nova-lite`; others as they are."""
    return _BEDROCK_VERSION.sub("", name)


def candidates(provider: str, model: str, geo: str = "") -> Iterator[str]:
    """Ids under which the price list of `provider` may hold `model`, the most exact first, in lower case."""
    name = model.strip().lower()
    if is_opaque(name):
        return
    if name.startswith("arn:"):
        name = name.rpartition("/")[2]
    names = (name, *without_gateway(provider, name))
    name = names[-1]
    if provider == "aws.bedrock" and (geo.startswith("us-gov-") or name.startswith(_GOVCLOUD)):
        base = name.removeprefix(_GOVCLOUD)  # a fifth dearer than elsewhere: no other price stands for it
        yield from (f"{geo}/{base}", f"{_GOVCLOUD}{base}")
        return
    if geo:
        yield f"{geo}/{name}"
    yield from names
    rules = {"aws.bedrock": _bedrock_ids, "gcp.gemini": _google_ids, "gcp.vertex_ai": _google_ids}
    if provider in rules:
        yield from rules[provider](name)
    yield from _undated(name)


def without_gateway(provider: str, name: str) -> Iterator[str]:
    """`azure/gpt-4o` at Azure is `gpt-4o`; `models/gemini-2.5-pro` at Google is `gemini-2.5-pro`."""
    named = short = _RESOURCE.sub(r"\1", name) if provider != "fireworks_ai" else name
    head, slash, rest = short.partition("/")
    # Google's OpenAI-compatible endpoint says google/gemini-…, and names other makers so too
    if slash and (canonical_provider(head) == provider or (provider.startswith("gcp.") and _is_maker(head))):
        short = rest
    if provider == "aws.bedrock":
        short = _LITELLM_ROUTE.sub("", short)
    if named not in {name, short}:
        yield named  # meta/llama-…, as Google names other makers' models
    if short != name:
        yield short


def _is_maker(name: str) -> bool:
    return canonical_provider(name) in MAKERS


def _undated(name: str) -> Iterator[str]:
    """A fine-tuned id's base, another way to write its date, the id without the date, and without `-latest`."""
    if name.startswith("ft:"):
        name = ":".join(name.split(":")[:2])
        yield name
    if found := _DAY.search(name):
        stem = name[: found.start()]
        year, month, day = found.groups()
        yield f"{stem}-{year}{month}{day}"
        yield f"{stem}-{year}-{month}-{day}"
        yield f"{stem}@{year}{month}{day}"
        yield stem
    for suffix in ("-latest", "@latest", "@default"):
        if name.endswith(suffix):
            yield name.removesuffix(suffix)


def _bedrock_ids(name: str) -> Iterator[str]:
    """With and without the version (`-v1:0`); a region's id also as `regional.…`, all in-region profiles' price."""
    region = _BEDROCK_REGION.match(name)
    base = name[region.end() :] if region else name
    zone = "global." if region and region[1] == "global" else "regional."
    for stem in (name, zone + base, base):
        yield stem
        bare = without_version(stem)
        yield bare
        yield from _undated(bare)


def _google_ids(name: str) -> Iterator[str]:
    stem = _GOOGLE_BUILD.sub("", name)
    if stem != name:
        yield stem
