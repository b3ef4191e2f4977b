"""Names of providers: what price lists, SDKs and other tools call them, and what OpenTelemetry's conventions do."""

from __future__ import annotations

# Canonical names are `gen_ai.provider.name` values where the conventions have one, else the provider's own short name.
_ALSO = {
    "amazon_nova": ("amazon-nova",),
    "anthropic": ("claude",),
    "aws.bedrock": (
        *("aws", "bedrock", "bedrock_converse", "bedrock_mantle"),
        *("amazon", "amazon_bedrock", "amazon-bedrock", "aws_bedrock"),
    ),
    "azure.ai.openai": ("azure", "azure_openai", "azure-openai", "azure_text", "az.ai.openai"),
    "azure.ai.inference": ("azure_ai", "az.ai.inference", "azure_ai_inference", "github", "github_models"),
    "cohere": ("cohere_chat",),
    "fireworks_ai": ("fireworks", "fireworks-ai"),
    "gcp.gemini": (
        *("gemini", "google", "gcp.gen_ai", "google_ai_studio"),
        *("google_genai", "google-genai", "google.generative-ai"),
    ),
    "gcp.vertex_ai": ("vertex_ai", "vertex_ai_beta", "vertex", "vertexai", "google_vertex", "google.vertex"),
    "hugging_face": ("huggingface", "hf"),
    "ibm.watsonx.ai": ("watsonx", "ibm"),
    "mistral_ai": ("mistral", "mistralai", "mistral-ai", "codestral"),
    "moonshot_ai": ("moonshot", "moonshotai", "kimi"),
    "openai": ("text-completion-openai", "custom_openai"),
    "together_ai": ("together", "togetherai", "together-ai"),
    "x_ai": ("xai", "x-ai", "grok"),
    "alibaba_cloud": ("dashscope", "alibaba", "qwen", "aliyun"),
    "voyage_ai": ("voyage", "voyageai"),
    "novita": ("novita_ai",),
    "inception": ("text-completion-inception",),
    "meta": ("meta_llama", "llama_api"),
    "ovhcloud": ("ovh", "ovh_ai"),
    "zhipuai": ("bigmodel", "zhipu"),
    "zai": ("z_ai", "z.ai"),
    "github_copilot": ("github-copilot",),
    "vercel_ai_gateway": ("vercel",),
    "writer": ("writerai", "palmyra"),
    "ollama": ("ollama_chat",),
}
SPELLINGS = {name: conventional for conventional, names in _ALSO.items() for name in names}
_OWN_SERVERS = frozenset(
    ("vllm", "hosted_vllm", "lm_studio", "lmstudio", "llama_cpp", "llamafile", "sglang", "tgi", "localai")
)

# Who serves other makers' models at the maker's price where the lists have no price of the host's own.
# Source: genai-prices' `fallback_model_providers`; Azure and Google publish the makers' prices for partner models.
FALLBACKS = {
    "azure.ai.openai": ("azure.ai.inference", "openai", "anthropic", "deepseek", "x_ai", "moonshot_ai"),
    "azure.ai.inference": ("azure.ai.openai", "openai", "anthropic", "deepseek", "x_ai", "moonshot_ai", "mistral_ai"),
    "gcp.vertex_ai": ("gcp.gemini", "anthropic"),
    "gcp.gemini": ("anthropic",),
}

# Where a model named without a provider is looked for, makers first.
MAKERS = (
    "openai",
    "anthropic",
    "gcp.gemini",
    "mistral_ai",
    "cohere",
    "deepseek",
    "x_ai",
    "moonshot_ai",
    "perplexity",
    "writer",
    "voyage_ai",
    "ai21",
    "aws.bedrock",
    "gcp.vertex_ai",
    "groq",
    "alibaba_cloud",
    "zai",
    "minimax",
    "meta",
    "together_ai",
    "fireworks_ai",
    "openrouter",
)
FAMILIES = frozenset({"vertex_ai", "fireworks_ai"})  # LiteLLM divides them: vertex_ai-anthropic_models …
_LOCAL = frozenset({"local", "ollama"})
_LOCAL_HOSTS = ("localhost", "127.", "[::1]", "0.0.0.0")  # noqa: S104 compared, not listened on


def conventional_provider(said: str) -> str:
    """The conventions' name of a provider: `bedrock` is `aws.bedrock`. Unknown ones stay, in lower case."""
    lower = said.strip().lower()
    family, dash, _ = lower.partition("-")
    if dash and family in FAMILIES:
        lower = family
    return SPELLINGS.get(lower, lower)


def canonical_provider(name: str) -> str:
    """The name under which prices are kept: the conventions', or `local` for every kind of server of one's own."""
    known = conventional_provider(name)
    return "local" if known in _OWN_SERVERS else known


def route(provider: str, model: str) -> tuple[str, str]:
    """Whose price list to look in, under which name: Hugging Face's router takes `org/model:host`."""
    if provider == "hugging_face" and ":" in model:
        name, _, host = model.rpartition(":")
        return f"huggingface_{host.lower()}", name
    return provider, model


def is_local(provider: str) -> bool:
    """Whether a canonical provider is a server on the user's own machine or network name, which bills nothing."""
    return provider in _LOCAL or provider.startswith(_LOCAL_HOSTS) or provider.partition(":")[0].endswith(".local")
