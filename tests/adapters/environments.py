"""Which SDKs cannot live beside the others, and where each is tested. No test of an adapter is skipped.

`.ci/environments` builds them; `make test` is main, which runs all that is not named here.
"""

from __future__ import annotations

import os
from typing import NamedTuple


class Environment(NamedTuple):
    packages: tuple[str, ...]
    tests: tuple[str, ...]  # files of tests/adapters that only run there
    python: tuple[int, int] = (3, 10)  # the lowest that the packages take
    shared: tuple[str, ...] = ()  # files that run in the main environment, too
    sdks: tuple[str, ...] = ()  # rows of tests/conformance/sdks.py
    loose: tuple[str, ...] = ()  # any version does: one that an index lacks would hold a newest release back (uv only)


MAIN = "main"
NAME = os.environ.get("COSTSPAN_ENVIRONMENT", MAIN)
_CONFORMANCE, _TABLE = "../conformance/test_sdks.py", "../conformance/test_usage_table.py"
_PEERS = ("../interop/test_peers.py",)
_LOOSE = ("certifi",)  # LiteLLM, LangChain and Fireworks ask for one that not every index has yet
ENVIRONMENTS = {
    MAIN: Environment(
        (),
        (),
        sdks=("groq", "together", "writer", "cohere", "mistralai", "ollama", "google_genai", "bedrock"),
    ),
    "oldest-core": Environment(  # the floors of pyproject's own dependencies
        (
            "costspan[demo,fast,tokenizers]",
            "opentelemetry-api==1.39.0",
            "opentelemetry-sdk==1.39.0",
            "opentelemetry-exporter-otlp==1.39.0",
            "opentelemetry-instrumentation==0.60b0",
            "wrapt==1.16.0",
            "tiktoken==0.13.0",
            "hypothesis>=6.100",
            "trustme>=1.1",
        ),
        (),
        shared=("../telemetry", "../tokens", "../pricing", "../test_instrumentors.py", "../conformance/test_openai.py"),
    ),
    "oldest-anthropic": Environment(
        ("anthropic==0.40.0", "boto3", "httpx<0.28"),
        (),
        shared=("test_anthropic.py", "test_anthropic_helpers.py", _CONFORMANCE, _TABLE),
        sdks=("anthropic",),
    ),
    "oldest-google-genai": Environment(
        ("google-genai==1.10.0", "trustme"),
        (),
        shared=("test_google_genai.py", "test_google_live.py", _CONFORMANCE, _TABLE),
        sdks=("google_genai",),
    ),
    "oldest-openai": Environment(
        ("openai==1.26", "httpx<0.28"), (), shared=("test_hosts_usage.py", _CONFORMANCE, _TABLE), sdks=("openai",)
    ),
    "oldest-realtime": Environment(  # the first openai that has it
        ("openai[realtime]==1.58", "httpx<0.28"), (), shared=("test_openai_realtime.py",)
    ),
    "oldest-bedrock": Environment(
        ("boto3==1.35.0",),
        (),
        shared=("test_bedrock_agents.py", "test_bedrock_profiles.py", _CONFORMANCE),
        sdks=("bedrock",),
    ),
    "oldest-writer": Environment(("writer-sdk==1.0.0", "httpx<0.28"), (), shared=(_CONFORMANCE,), sdks=("writer",)),
    "oldest-regolo": Environment(("regolo==1.5",), (), python=(3, 12), shared=(_CONFORMANCE, _TABLE), sdks=("regolo",)),
    "aiobotocore": Environment(
        ("aiobotocore", "httpx2"),  # its other HTTP client
        ("test_aiobotocore.py",),
        shared=("test_bedrock.py", _CONFORMANCE, _TABLE),
        sdks=("bedrock", "aiobotocore"),
    ),
    "vertexai": Environment(  # takes google-genai before 3
        ("google-cloud-aiplatform",),
        ("test_vertexai.py",),
        shared=("test_google_genai.py", "test_google_genai_new.py", _CONFORMANCE, _TABLE),
        sdks=("google_genai", "vertexai"),
    ),
    # newest of each that is not in the extra `test`, to keep `make test` quick to set up
    "others": Environment(
        (
            "openai",
            "perplexityai",
            "cerebras-cloud-sdk",
            "fireworks-ai",
            "sambanova",
            "portkey-ai",
            "openrouter",
            "ai21",
            "azure-ai-inference",
            "aiohttp",
            "voyageai",
            "xai-sdk",
            "aleph-alpha-client",
            "replicate",
            "dashscope",
            "huggingface_hub",
            "ibm-watsonx-ai",
        ),
        (
            "test_perplexity.py",
            "test_cerebras.py",
            "test_fireworks.py",
            "test_sambanova.py",
            "test_portkey.py",
            "test_openrouter.py",
            "test_ai21.py",
            "test_azure_ai_inference.py",
            "test_voyageai.py",
            "test_xai.py",
            "test_aleph_alpha.py",
            "test_replicate.py",
            "test_dashscope.py",
            "test_dashscope_jobs.py",
            "test_huggingface_hub.py",
            "test_watsonx.py",
        ),
        python=(3, 11),  # ibm-watsonx-ai
        shared=("test_stainless_family.py", _CONFORMANCE, _TABLE),
        sdks=(
            "perplexity",
            "cerebras",
            "fireworks",
            "sambanova",
            "portkey",
            "ai21",
            "azure_ai_inference",
            "huggingface_hub",
            "openrouter",
            "voyageai",
            "replicate",
            "dashscope",
            "watsonx",
        ),
        loose=_LOOSE,
    ),
    "frameworks": Environment(
        ("langchain-openai", "langchain-anthropic", "openai-agents", "pydantic-ai-slim[openai]"),
        ("test_frameworks.py",),
        loose=_LOOSE,
    ),
    # caps jiter, and so openai below 3.31, which newer frameworks ask for
    "instructor": Environment(("instructor",), ("test_instructor.py",)),
    # its newest caps openai below 3
    "llama-index": Environment(("llama-index-llms-openai", "llama-index-core>=0.14"), ("test_llama_index.py",)),
    # its messages import all of its proxy, its sound and responses the other two
    "litellm": Environment(
        ("litellm[proxy]", "mcp", "soundfile"),
        (
            "test_litellm.py",
            "test_litellm_new.py",
            "test_litellm_messages.py",
            "test_litellm_responses.py",
            "test_litellm_generate.py",
            "test_litellm_units.py",
        ),
        shared=(_CONFORMANCE, _TABLE),
        sdks=("litellm", "litellm_messages", "litellm_generate"),
        loose=(*_LOOSE, "litellm-proxy-extras"),  # its database
    ),
    # not the conformance suite: before 1.103 LiteLLM itself holds on to streams that a program drops
    "oldest-litellm": Environment(
        ("litellm[proxy]==1.83.0", "soundfile"),
        (),
        shared=("test_litellm.py", "test_litellm_generate.py", "test_litellm_responses.py", "test_litellm_units.py"),
    ),
    "regolo": Environment(
        ("regolo", "openai"), ("test_regolo.py",), python=(3, 12), shared=(_CONFORMANCE, _TABLE), sdks=("regolo",)
    ),
    "dspy": Environment(
        ("dspy", "openai", "anthropic", "google-genai"),  # whose answers cost the same by their own SDKs
        ("test_dspy.py",),
        shared=(_CONFORMANCE, _TABLE),
        sdks=("dspy", "dspy_anthropic", "dspy_gemini"),
        loose=_LOOSE,
    ),
    "claude-agent": Environment(("claude-agent-sdk",), ("test_claude_agent_sdk.py",)),  # with 160 MB of Claude Code
    # other tools, each beside the SDK that it takes: versions are pinned where the newest do not fit each other
    "peer-genai": Environment(
        (
            "openai",
            "anthropic",
            "opentelemetry-instrumentation-genai-openai",
            "opentelemetry-instrumentation-genai-anthropic",
        ),
        _PEERS,
    ),
    "peer-openai-v2": Environment(
        (
            "openai",
            "anthropic",
            "opentelemetry-instrumentation-openai-v2==2.4b0",
            "opentelemetry-util-genai==0.4b0",
            "httpx",
        ),
        _PEERS,
    ),
    "peer-openllmetry": Environment(
        ("openai", "anthropic", "opentelemetry-instrumentation-openai", "opentelemetry-instrumentation-anthropic"),
        _PEERS,
    ),
    "peer-openinference": Environment(
        ("openai", "anthropic", "openinference-instrumentation-openai", "openinference-instrumentation-anthropic"),
        _PEERS,
    ),
    "peer-openlit": Environment(
        (
            "openai<3",
            "anthropic<1",
            "openlit==1.45.0",
            "opentelemetry-sdk==1.45.1",
            "opentelemetry-instrumentation==0.66b1",
        ),
        _PEERS,
    ),
    "peer-logfire": Environment(("openai", "anthropic", "logfire"), _PEERS),
    "peer-langfuse": Environment(("openai", "anthropic", "langfuse"), _PEERS),
    "web": Environment(
        (
            "openai",
            "fastapi",
            "flask",
            "celery",
            "rq",
            "fakeredis",
            "httpx",
            "httpx2",
            "opentelemetry-instrumentation-fastapi",
            "opentelemetry-instrumentation-flask",
            "opentelemetry-instrumentation-celery",
            "opentelemetry-instrumentation-threading",
        ),
        ("../interop/test_web.py",),
    ),
}


def elsewhere() -> list[str]:
    """The test files that the main environment leaves to the others."""
    return [test for environment in ENVIRONMENTS.values() for test in environment.tests]
