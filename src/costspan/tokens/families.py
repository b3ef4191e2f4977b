"""Which tokenizer a model has, how its provider frames a chat, and how far an estimate may be off: one table."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from costspan.call import UsageSource


@dataclass(frozen=True, slots=True)
class Family:
    """How the tokens of a group of models are counted.

    `permille` are this family's tokens per thousand of `encoding`'s; 1000 with source `tokenizer` is the real one.
    Framing: tokens per request (`priming`), per message, per name, and once if there are tools, plus per tool.
    """

    name: str
    pattern: str
    encoding: str = "o200k_base"
    permille: int = 1000
    error: float = 0.15  # relative, of an estimate of 100 tokens or more; a shorter one may be 3 tokens off
    source: UsageSource = UsageSource.HEURISTIC
    priming: int = 0
    per_message: int = 3
    per_name: int = 1
    says_role: bool = False  # the role's own name is a token of the prompt
    tools: int = 0
    per_tool: int = 0
    tools_in_system: int = 0  # less, where a system message is there for the tools to be written into
    tools_error: float = 0.25  # relative, of all that tools add
    thinking: int = 0  # added when the model is asked to think
    hides_thoughts: bool = False  # writes tokens that are billed and never shown
    typescript: bool = False  # tools are shown to the model as TypeScript declarations, not as JSON
    schema: int = 0  # tokens around the schema of a structured output; 0: it is not shown to the model
    images: str = ""  # the rule in media.py; empty: not public


def _openai(name: str, pattern: str, **rules: object) -> Family:
    settings: dict[str, object] = {
        "error": 0.0, "source": UsageSource.TOKENIZER, "priming": 3, "says_role": True, "typescript": True,
        "tools": 9, "tools_in_system": 4, "tools_error": 0.0, "schema": 3, "images": "openai",
    }  # fmt: skip
    return Family(name, pattern, **(settings | rules))  # type: ignore[arg-type] # the keywords of Family


# "roughly 30% more tokens for the same text", 1.0 to 1.35 times: Claude 4.7 and later.
# Source: https://platform.claude.com/docs/en/build-with-claude/token-counting, looked up 2026-11-22; public
# measurements of two pages find 1.27 and 1.45: https://huggingface.co/datasets/JOHNISKING/pdf-token-cost (2026-10)
_CLAUDE = Family(
    "claude-4.7",
    r"claude",
    permille=1365,
    error=0.2,
    priming=3,
    per_message=4,
    tools=346,
    per_tool=10,
    thinking=28,
    images="anthropic_fine",
)

# The first pattern found in the lower-case model id (without its gateway prefix) wins.
FAMILIES = (
    # Framing `<|start|>role<|message|>…<|end|>`, then `<|start|>assistant`. Source: OpenAI's harmony response format;
    # the system message that servers add for gpt-oss is counted as `priming`.
    _openai(
        "gpt-oss",
        r"gpt-oss",
        encoding="o200k_harmony",
        priming=66,
        error=0.05,
        source=UsageSource.HEURISTIC,
    ),
    # What they find is input too, and their own prompt is not public.
    _openai("gpt-search", r"^gpt-.*-search", error=0.25, source=UsageSource.HEURISTIC),
    # Priming 3 for models that answer at once. Source: OpenAI cookbook, "How to count tokens with tiktoken".
    _openai("gpt-4o", r"^(ft:)?(gpt-4o|chatgpt-)|^gpt-(audio|realtime)"),
    _openai("gpt-4.1", r"^(ft:)?gpt-4\.", tools_error=0.15),
    # Models that think first choose a channel themselves, so their priming is one token shorter.
    _openai(
        "gpt-5",
        r"^(ft:)?(o[1-9](-|$)|gpt-5|codex|computer-use)",
        priming=2,
        tools=65,
        tools_error=0.25,
        hides_thoughts=True,
    ),
    # Source of the four tokens per message: as above. Azure's name says no version: it may be this one.
    _openai("gpt-3.5-0301", r"^gpt-(3\.5|35)-turbo-0301", encoding="cl100k_base", per_message=4, per_name=-1),
    _openai("gpt-35", r"^gpt-35-turbo(-16k)?$", encoding="cl100k_base", error=0.05, source=UsageSource.HEURISTIC),
    _openai("gpt-4", r"^(ft:)?gpt-(4|3\.5|35)|^(ft:)?(davinci|babbage)-002|^text-embedding-", encoding="cl100k_base"),
    # Newer than tiktoken's table: the encoding is assumed.
    _openai(
        "gpt-next",
        r"^(ft:)?gpt-([6-9]|\d\d)",
        priming=2,
        tools=65,
        tools_error=0.25,
        hides_thoughts=True,
        error=0.05,
        source=UsageSource.HEURISTIC,
    ),
    _openai("gpt-3", r"^(text|code)-|^(davinci|curie|babbage|ada)$|^gpt-?2$", encoding="p50k_base"),
    # No public tokenizer. Calibrated on provider-reported counts; benchmarks/tokens.py prints n and the error found.
    # Claude's 346 for tools: https://docs.claude.com/en/docs/agents-and-tools/tool-use/overview, 2025-11
    replace(
        _CLAUDE,
        name="claude",
        pattern=r"claude-(2|v2|3|instant|(opus|sonnet|haiku)-4([-.][0-6])?(-20\d{6}|-v\d|-latest|[@:]|$))",
        permille=1050,
        error=0.1,
        images="anthropic",
    ),
    _CLAUDE,
    Family("gemini", r"gemini|learnlm", permille=1030, error=0.1, per_message=0, images="gemini"),
    Family("palmyra", r"palmyra", permille=1050, error=0.1, priming=27, tools=90),
    Family(
        "cohere",
        r"command|cohere|aya|c4ai|^embed-|^rerank-",
        permille=1010,
        error=0.1,
        per_message=0,
    ),
    Family("nova", r"nova|titan", permille=1040, tools=320),
    Family("grok", r"grok", permille=1050),
    # A public tokenizer that is not bundled: exact with a `tokenizer.json`, else estimated.
    Family("llama-4", r"llama-?4", permille=1020, priming=30, per_message=4, tools=540),
    Family("llama", r"llama|sonar", permille=1020, priming=30, per_message=4),
    Family(
        "mistral",
        r"mi[sx]tral|codestral|devstral|pixtral|voxtral|magistral",
        permille=1060,
        error=0.15,
        tools=20,
    ),
    Family("deepseek", r"deepseek", permille=1020, error=0.1, priming=4, per_message=0),
    Family("qwen", r"qwen|qwq", permille=1030, error=0.1, priming=3, per_message=4, tools=150),
    Family("gemma", r"gemma", permille=1030, priming=4, per_message=5),
    Family("glm", r"glm", permille=1010, error=0.3, priming=3),
    Family("kimi", r"kimi|moonshot", permille=1010),
)
UNKNOWN = Family("unknown", "", error=0.2)


@lru_cache(maxsize=4096)
def family_of(model: str) -> Family:
    """The family of a model id as any provider or gateway writes it; `UNKNOWN` if none fits."""
    name = bare_name(model)
    return next((family for family in FAMILIES if re.search(family.pattern, name)), UNKNOWN)


@lru_cache(maxsize=4096)
def bare_name(model: str | None) -> str:
    """The model's own id: lower case, without gateway (`openrouter/openai/`) and cloud vendor (`us.anthropic.`)."""
    name = (model or "").lower().rsplit("/", 1)[-1]
    return re.sub(r"^([a-z-]{2,6}\.)?(openai|anthropic|amazon|meta|mistral|cohere|deepseek|qwen|writer)\.", "", name)
