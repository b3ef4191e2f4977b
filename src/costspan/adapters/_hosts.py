"""Which provider answers behind an OpenAI-compatible address.

Source: sdk-usage facts of 2026-11-21, section 18 (providers' documents and OpenTelemetry's registry of provider names).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Host(NamedTuple):
    """Who answers: the name for telemetry, whose prices apply, and whether streams take `include_usage`."""

    provider: str
    biller: str  # provider name for the price list; an unknown host is its own, so never priced as OpenAI
    stream_usage: bool = False
    geo: str = ""


class _Rule(NamedTuple):
    suffix: str  # of the host
    provider: str
    stream_usage: bool
    path: str = ""  # that the URL's path must contain
    start: str = ""  # of the host


_RULES = (
    _Rule("api.openai.com", "openai", stream_usage=True),
    _Rule(".services.ai.azure.com", "azure.ai.inference", stream_usage=False, path="/models"),
    _Rule(".inference.ai.azure.com", "azure.ai.inference", stream_usage=False),
    _Rule("models.github.ai", "azure.ai.inference", stream_usage=False),
    _Rule(".openai.azure.com", "azure.ai.openai", stream_usage=True),
    _Rule(".cognitiveservices.azure.com", "azure.ai.openai", stream_usage=True),
    _Rule(".services.ai.azure.com", "anthropic", stream_usage=True, path="/anthropic"),
    _Rule(".services.ai.azure.com", "azure.ai.openai", stream_usage=True),
    _Rule(".azure-api.net", "azure.ai.openai", stream_usage=False),
    _Rule(".amazonaws.com", "aws.bedrock", stream_usage=True),
    _Rule(".api.aws", "anthropic", stream_usage=True, start="aws-external-anthropic."),
    _Rule(".api.aws", "aws.bedrock", stream_usage=True),
    _Rule("generativelanguage.googleapis.com", "gcp.gemini", stream_usage=True),
    _Rule("claude.googleapis.com", "anthropic", stream_usage=True),
    _Rule(".googleapis.com", "gcp.vertex_ai", stream_usage=True),  # us-east5-aiplatform, aiplatform.us.rep
    _Rule("api.anthropic.com", "anthropic", stream_usage=True),
    _Rule("api.cohere.com", "cohere", stream_usage=True),
    _Rule("api.cohere.ai", "cohere", stream_usage=True),
    _Rule("api.deepseek.com", "deepseek", stream_usage=True),
    _Rule("api.groq.com", "groq", stream_usage=True),
    _Rule(".ml.cloud.ibm.com", "ibm.watsonx.ai", stream_usage=False),
    _Rule("api.mistral.ai", "mistral_ai", stream_usage=False),
    _Rule("codestral.mistral.ai", "mistral_ai", stream_usage=False),
    _Rule("api.perplexity.ai", "perplexity", stream_usage=False),
    _Rule("api.x.ai", "x_ai", stream_usage=True),
    _Rule("api.moonshot.ai", "moonshot_ai", stream_usage=True),
    _Rule("api.moonshot.cn", "moonshot_ai", stream_usage=True),
    _Rule("openrouter.ai", "openrouter", stream_usage=True),
    _Rule("api.together.xyz", "together_ai", stream_usage=True),
    _Rule("api.together.ai", "together_ai", stream_usage=True),
    _Rule("api-inference.together.ai", "together_ai", stream_usage=True),
    _Rule("api.fireworks.ai", "fireworks_ai", stream_usage=True),
    _Rule("api.cerebras.ai", "cerebras", stream_usage=True),
    _Rule("api.sambanova.ai", "sambanova", stream_usage=True),
    _Rule("api.deepinfra.com", "deepinfra", stream_usage=True),
    _Rule("api.novita.ai", "novita", stream_usage=False),
    _Rule("api.studio.nebius.ai", "nebius", stream_usage=False),
    _Rule("api.tokenfactory.nebius.com", "nebius", stream_usage=False),
    _Rule("integrate.api.nvidia.com", "nvidia", stream_usage=False),
    _Rule("api.hyperbolic.xyz", "hyperbolic", stream_usage=False),
    _Rule("api.inference.crusoecloud.com", "crusoe", stream_usage=False),
    _Rule(".snowflakecomputing.com", "snowflake", stream_usage=False),
    _Rule("api.z.ai", "zai", stream_usage=True),
    _Rule("open.bigmodel.cn", "zhipuai", stream_usage=True),  # its prices are its own, in yuan
    _Rule("api.minimax.io", "minimax", stream_usage=False),
    _Rule("api.regolo.ai", "regolo", stream_usage=False),
    _Rule("api.writer.com", "writer", stream_usage=True),
    _Rule(".aliyuncs.com", "alibaba_cloud", stream_usage=True),
    _Rule("router.huggingface.co", "hugging_face", stream_usage=True),
    _Rule("ollama.com", "ollama", stream_usage=False),
)
# They bill by a list of their own in yuan; what is known is the list of the same models outside of China, in dollars.
_IN_YUAN = ("dashscope.aliyuncs.com", "api.moonshot.cn")
_IN_BEIJING = ".cn-beijing.maas.aliyuncs.com"  # of one's workspace there; dashscope 2.0 as installed, read 2026-11-23
_OLLAMA_PORT = 11434
_LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104 an address that clients are given, not bound to
_LOCAL_SERVERS = {8000: "vllm", 1234: "lm_studio", 8080: "llama_cpp"}  # their documented default ports
_RESIDENCY = ("us", "eu", "ae", "au", "in", "jp")


@lru_cache(maxsize=512)
def find_host(host: str, port: int, url_path: str) -> Host | None:
    """The provider of a known host, or None: then only the SDK's flavour is known, and no price applies."""
    for rule in _RULES:
        if _is_of(host, rule.suffix) and host.startswith(rule.start) and rule.path in url_path:
            return Host(
                rule.provider, _biller(host, rule.provider, url_path), rule.stream_usage, _geo(host, rule.provider)
            )
    if host in _LOCAL or host.endswith(".local"):
        name = "ollama" if port == _OLLAMA_PORT else _LOCAL_SERVERS.get(port)
    else:
        from costspan.adapters._listed_hosts import LISTED  # noqa: PLC0415 only for a host that no rule knows

        name = next((provider for suffix, provider in LISTED.items() if _is_of(host, suffix)), None)
    return Host(name, name) if name else None


def resolve(host: str, port: int, url_path: str, flavour: str, own: Mapping[str, str]) -> Host:
    """The provider of any host: the user's own mapping first, then the known hosts, then the SDK's flavour unpriced."""
    if own and (mapped := own.get(host) or own.get(f"{host}:{port}")):
        return _named(mapped)
    return find_host(host, port, url_path) or Host(flavour, host or flavour)


@lru_cache(maxsize=64)
def _named(said: str) -> Host:
    """The provider that the user's mapping names, in whatever spelling: `azure` is `azure.ai.openai`."""
    from costspan.pricing.providers import conventional_provider  # noqa: PLC0415 only where hosts are mapped

    name = conventional_provider(said)
    return Host(name, name, stream_usage=any(rule.stream_usage for rule in _RULES if rule.provider == name))


def resolve_told(host: str, port: int, provider: str, own: Mapping[str, str]) -> Host | None:
    """The provider of a call that another tool tells of; None where the one that it names is all there is to know.

    A tool names the maker of the SDK, whoever answers there.
    """
    return resolve(host, port, "", provider, own) if host and provider == "openai" else None


def _is_of(host: str, suffix: str) -> bool:
    """`.x.com` and `-x.com` are ends of a host; `x.com` is that host or one below it, never a look-alike."""
    return host.endswith(suffix if suffix[0] in ".-" else "." + suffix) or host == suffix


def _biller(host: str, provider: str, url_path: str) -> str:
    """Whose price list applies. Hugging Face's router names in its path who serves: `/together/v1/…`."""
    if host in _IN_YUAN:
        return host
    if host.endswith(_IN_BEIJING):
        return _IN_YUAN[0]
    served = url_path.strip("/").partition("/")[0]
    if provider == "hugging_face" and served not in ("", "v1"):
        return f"huggingface_{served}"
    return provider


def _geo(host: str, provider: str) -> str:
    """The region that a host names: `eu.api.openai.com`, `us-east5-aiplatform.googleapis.com`."""
    first, _, rest = host.partition(".")
    if provider == "openai":
        return first if first in _RESIDENCY else ""
    if provider == "aws.bedrock":  # bedrock-mantle.eu-west-2.api.aws, or below an endpoint of one's own network
        return host.partition("bedrock-")[2].partition(".")[2].partition(".")[0]
    if provider == "gcp.vertex_ai":
        if first != "aiplatform":
            return first.removesuffix("-aiplatform")
        zone, in_zone, _ = rest.partition(".rep.")  # aiplatform.us.rep.googleapis.com
        return zone if in_zone else ""
    return ""
