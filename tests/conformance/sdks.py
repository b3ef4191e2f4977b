"""SDKs as programs use them, one row each: how clients are made, what can be asked, what may be answered."""

from __future__ import annotations

from importlib import import_module

from adapters import telling
from fake_providers import (
    anthropic,
    bedrock,
    cohere,
    dashscope,
    gemini,
    mistral,
    ollama,
    openai,
    replicate,
    watsonx,
    writer,
)

from conformance import odd, programs
from conformance.generic import CLIENTS, Ask, Sdk

KINDS = (("sync", ""), ("async", "Async"))
MESSAGES = [{"role": "user", "content": "Tell me about cats."}]
STREAM = {"stream": True}


def chat(**more):
    return lambda: {"model": "m-1", "messages": [dict(each) for each in MESSAGES], **more}


def both(module, name, **more):
    """Clients of an SDK that calls its two classes `X` and `AsyncX`; what is given may hold the address as `{}`."""

    def clients(url):
        given = {key: value.format(url) if isinstance(value, str) else value for key, value in more.items()}
        return {kind: getattr(import_module(module), prefix + name)(**given) for kind, prefix in KINDS}

    return clients


def as_openai(name, clients, path="chat.completions.create", tells=telling, **more):
    """A row of an SDK that gives OpenAI's shape; most tell the usage at a stream's end unasked."""
    ask = Ask("chat", chat(), path, path, STREAM, odd.shaped_like_openai(tells) | odd.REPEATED)
    return Sdk(name, openai, clients, (ask._replace(**more),))


def stainless(name, module, client, at="{}", tells=telling, **more):
    """A row of the family that one generator makes: raw and streaming responses too."""
    clients = both(module, client, base_url=at, api_key="k", max_retries=0, **more)
    return as_openai(name, clients, tells=tells)._replace(stainless=True)


def lm15(name, at):
    """Clients of DSPy's own engine for one wire format."""
    return both("dspy.lm15", name, base_url=at, api_key="k")


def asked(answer):
    """For a provider that tells a stream's usage only to who asks, as we do."""
    return answer


CLAUDE_USAGES = odd.usages("input_tokens", "output_tokens", "cache_read_input_tokens")
STREAMED_USAGES = {name: usage for name, usage in CLAUDE_USAGES.items() if isinstance(usage, dict)}
COHERE_USAGES = {
    name: {"billed_units": usage, "tokens": usage} if isinstance(usage, dict) else usage
    for name, usage in odd.usages("input_tokens", "output_tokens").items()
}
CONVERSED = odd.usages("inputTokens", "outputTokens", "cacheReadInputTokens")
_TOLD = {name: (bedrock.converse_stream(usage),) for name, usage in CONVERSED.items() if isinstance(usage, dict)}
CONVERSE_STREAMS = _TOLD | {
    "an unknown event": (bedrock.stream(("messageStart", {"role": "assistant"}), ("nobodyKnowsThis", {"a": 1})),),
    "an error within": (
        bedrock.Answer(
            (*bedrock.converse_stream().parts[:3], bedrock.failed()),
            content_type="application/vnd.amazon.eventstream",
            streamed=True,
        ),
    ),
}
ASKED_OF_BEDROCK = (
    Ask("converse", programs.converse, "converse", answers=odd.changed(bedrock.converse, CONVERSED)),
    Ask("converse stream", programs.converse, "", "converse_stream", answers=CONVERSE_STREAMS),
    Ask("invoke", programs.invoke, "invoke", answers=odd.changed(programs.invoked_claude, CLAUDE_USAGES)),
    Ask("invoke stream", programs.invoke, "", "invoke_stream"),
)
AGENT_STREAMS = {
    name: (bedrock.completion(*bedrock.model_call("t1", usage, "amazon.nova-lite-v1:0")),)
    for name, usage in CONVERSED.items()
    if isinstance(usage, dict)
} | {"an unknown event": (bedrock.stream(("nobodyKnowsThis", {"a": 1})),)}
ASKED_OF_AGENTS = (
    Ask("agent", programs.agent, "", "agent", answers=AGENT_STREAMS),
    Ask("knowledge", programs.knowledge, "retrieve", "retrieve_stream"),
)
ASKED_OF_GEMINI = Ask(
    "generate",
    lambda: {"model": "gemini-2.5-flash", "contents": "Cats?"},
    "models.generate_content",
    "models.generate_content_stream",
    answers=odd.changed(gemini.generated, odd.usages("promptTokenCount", "candidatesTokenCount"), "usageMetadata"),
)
OLLAMA_COUNTS = {name: (ollama.chat(prompt_eval_count=count, eval_count=count),) for name, count in odd.COUNTS.items()}
METRICS = {"missing": None, "empty": {}, "a list": [1], "odd": {"predict_time": "1.5", "input_token_count": -1}}

ROWS = (
    Sdk(
        "anthropic",
        anthropic,
        both("anthropic", "Anthropic", base_url="{}", api_key="k", max_retries=0),
        (Ask("messages", chat(max_tokens=9), "messages.create", "messages.create", STREAM),),
        stainless=True,
    ),
    stainless("openai", "openai", "OpenAI", "{}/v1", asked),
    stainless("groq", "groq", "Groq"),
    stainless("together", "together", "Together"),
    Sdk(
        "writer",
        writer,
        both("writerai", "Writer", base_url="{}", api_key="k", max_retries=0),
        (Ask("chat", chat(), "chat.chat", "chat.chat", STREAM, odd.shaped_like_openai(asked)),),
        stainless=True,
    ),
    Sdk(
        "cohere",
        cohere,
        both("cohere", "ClientV2", base_url="{}", api_key="k"),
        (
            Ask("chat", chat(), "chat", "chat_stream", answers=odd.changed(cohere.chat, COHERE_USAGES)),
            Ask("rerank", lambda: {"model": "r", "query": "cats", "documents": ["a"]}, "rerank"),
        ),
    ),
    Sdk(
        "mistralai",
        mistral,
        programs.mistral_clients,
        (
            Ask(
                "chat",
                chat(),
                {"sync": "chat.complete", "async": "chat.complete_async"},
                {"sync": "chat.stream", "async": "chat.stream_async"},
                answers=odd.changed(mistral.chat, odd.usages("prompt_tokens", "completion_tokens")) | odd.WRONG,
                early=0,
            ),
        ),
    ),
    Sdk(
        "ollama",
        ollama,
        both("ollama", "Client", host="{}"),
        (Ask("chat", chat(), "chat", "chat", STREAM, OLLAMA_COUNTS | odd.BODIES),),
    ),
    Sdk(
        "google_genai",
        gemini,
        programs.gemini_clients,
        (
            ASKED_OF_GEMINI,
            Ask("embed", lambda: {"model": "gemini-embedding-001", "contents": ["a"]}, "models.embed_content", early=0),
        ),
    ),
    Sdk(
        "bedrock",
        bedrock,
        lambda url: {"sync": programs.Bedrock(url)},
        ASKED_OF_BEDROCK + ASKED_OF_AGENTS,
        kinds=("sync",),
    ),
    stainless("perplexity", "perplexity", "Perplexity"),
    stainless("cerebras", "cerebras.cloud.sdk", "Cerebras", tells=asked, warm_tcp_connection=False),
    stainless("fireworks", "fireworks", "Fireworks"),
    stainless("sambanova", "sambanova", "SambaNova", "{}/v1", asked),
    as_openai("portkey", both("portkey_ai", "Portkey", base_url="{}/v1", api_key="k", provider="openai"), tells=asked),
    as_openai("ai21", programs.ai21_clients, arguments=programs.ask_ai21, early=0),
    as_openai("azure_ai_inference", programs.azure_clients, "complete", early=0),
    as_openai(
        "huggingface_hub",
        both("huggingface_hub", "InferenceClient", base_url="{}/v1", api_key="k"),
        "chat_completion",
        arguments=lambda: {"messages": list(MESSAGES)},
        early=0,
    ),
    as_openai("openrouter", programs.openrouter_clients, {"sync": "chat.send", "async": "chat.send_async"}, early=0),
    Sdk(
        "voyageai",
        openai,
        both("voyageai", "Client", api_key="k", base_url="{}/v1"),
        (Ask("embed", lambda: {"texts": ["a"], "model": "voyage-3.5"}, "embed", early=0),),
    ),
    Sdk(
        "replicate",
        replicate,
        lambda url: dict.fromkeys(CLIENTS, import_module("replicate").Client(api_token="k", base_url=url)),
        (
            Ask(
                "prediction",
                lambda: {"model": "meta/llama-4", "input": {"prompt": "Cats?"}},
                {"sync": "models.predictions.create", "async": "models.predictions.async_create"},
                answers={f"metrics {name}": (replicate.done(metrics=each),) for name, each in METRICS.items()}
                | odd.BODIES,
                early=0,
            ),
        ),
    ),
    Sdk(
        "dashscope",
        dashscope,
        lambda url: dict.fromkeys(CLIENTS, programs.DashScope(url)),
        (
            Ask(
                "chat",
                lambda: {"model": "qwen-plus", "messages": list(MESSAGES), "result_format": "message"},
                {"sync": "call", "async": "acall"},
                {"sync": "call", "async": "acall"},
                STREAM,
                {name: (dashscope.chat(usage=each),) for name, each in CLAUDE_USAGES.items()},
            ),
        ),
    ),
    as_openai(
        "litellm",
        lambda url: dict.fromkeys(CLIENTS, programs.LiteLLM(url)),
        {"sync": "completion", "async": "acompletion"},
        arguments=chat(model="openai/m-1"),
    ),
    Sdk(
        "litellm_messages",
        anthropic,
        lambda url: {"async": programs.LiteLLM(url)},
        (
            Ask(
                "messages",
                chat(model="claude-sonnet-4-5", max_tokens=9),
                "message",
                "message",
                STREAM,
                answers=odd.changed(anthropic.message, STREAMED_USAGES),
            ),
        ),
        kinds=("async",),  # LiteLLM has it for Anthropic's own servers only so
    ),
    Sdk(
        "litellm_generate",
        gemini,
        lambda url: dict.fromkeys(CLIENTS, programs.LiteLLM(url)),
        (
            ASKED_OF_GEMINI._replace(
                arguments=lambda: {"model": "gemini/gemini-2.5-flash", "contents": [{"parts": [{"text": "Cats?"}]}]},
                plain={"sync": "generate", "async": "agenerate"},
                stream={"sync": "generate_stream", "async": "agenerate_stream"},
            ),
        ),
    ),
    as_openai("regolo", lambda url: {"sync": programs.Regolo(url)}, "chat", arguments=chat(full_output=True))._replace(
        kinds=("sync",)
    ),
    Sdk(
        "vertexai",
        gemini,
        lambda url: {"sync": programs.Vertex(url)},
        (
            ASKED_OF_GEMINI._replace(
                arguments=lambda: {"contents": "Cats?"}, plain="generate", stream="generate", stream_arguments=STREAM
            ),
        ),
        kinds=("sync",),
    ),
    as_openai(
        "dspy",
        lm15("OpenAIChatLM", "{}/v1"),
        "complete",
        asked,
        arguments=programs.ask_lm15,
        stream="stream",
        stream_arguments={},
    ),
    Sdk(
        "dspy_anthropic",
        anthropic,
        lm15("AnthropicLM", "{}/v1"),
        (Ask("messages", programs.ask_lm15, "complete", "stream"),),
    ),
    Sdk(
        "dspy_gemini",
        gemini,
        lm15("GeminiLM", "{}/v1beta"),
        (ASKED_OF_GEMINI._replace(arguments=programs.ask_lm15, plain="complete", stream="stream"),),
    ),
    Sdk("aiobotocore", bedrock, lambda url: {"async": programs.Aiobotocore(url)}, ASKED_OF_BEDROCK, kinds=("async",)),
    Sdk(
        "watsonx",
        watsonx,
        programs.watsonx_clients,
        (
            Ask(
                "chat",
                lambda: {"messages": list(MESSAGES)},
                {"sync": "chat", "async": "achat"},
                {"sync": "chat_stream", "async": "achat_stream"},
                early=None,
            ),
            Ask(
                "text",
                lambda: {"prompt": "Cats?"},
                {"sync": "generate_text", "async": "agenerate"},
                {"sync": "generate_text_stream", "async": "agenerate_stream"},
                answers={"no results": (watsonx.text(generated_token_count=None),), "400": (watsonx.error(),)},
                early=None,
            ),
        ),
    ),
)
