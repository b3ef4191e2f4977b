"""Amazon Bedrock through boto3 and aiobotocore. Source: botocore 1.35 to 1.44, aiobotocore 2.17 to 3.10, 2026-11-22."""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import _bedrock_agents as agents
from costspan.adapters import _bedrock_hooks as hooks
from costspan.adapters._adapter import Adapter, Operation, Seat
from costspan.adapters._bedrock_profiles import read_profile
from costspan.adapters._usage import UsageMap

CONVERSE = Operation(
    "chat",
    usage=UsageMap(
        roots=("usage", "metadata.usage"),
        input="inputTokens",  # without what the cache served or was given
        cache_read="cacheReadInputTokens",
        cache_write_total="cacheWriteInputTokens",
        cache_write_5m="cacheDetails.ttl=5m.inputTokens",
        cache_write_1h="cacheDetails.ttl=1h.inputTokens",
        total_output="outputTokens",
    ),
    model="trace.promptRouter.invokedModelId|metadata.trace.promptRouter.invokedModelId",
    id="ResponseMetadata.RequestId",
    finish="stopReason|messageStop.stopReason",
    text="contentBlockDelta.delta.text",
    full_text="output.message.content.*.text",
    terms={
        "tier": "serviceTier.type|metadata.serviceTier.type",
        "speed": "performanceConfig.latency|metadata.performanceConfig.latency",
    },
    asked={"tier": "serviceTier.type", "speed": "performanceConfig.latency"},
    parameters={
        "maxTokens": "max_tokens",
        "temperature": "temperature",
        "topP": "top_p",
        "stopSequences": "stop_sequences",
    },
    parameters_in="inferenceConfig",
    request_model="modelId",
    hook=read_profile,
)
INVOKE = Operation(
    "chat",
    usage=UsageMap(  # Anthropic, Nova, Titan, Llama, and those that speak as OpenAI does, each in its own words
        roots=(hooks.METRICS, "message.usage", "usage", "metadata.usage", "meta.billed_units", "."),
        input="input_tokens|inputTokens|inputTextTokenCount|prompt_token_count|inputTokenCount",
        total_input="prompt_tokens",
        cache_read="cache_read_input_tokens|cacheReadInputTokenCount|cacheReadInputTokens|"
        "prompt_tokens_details.cached_tokens",
        cache_write_total="cache_creation_input_tokens|cacheWriteInputTokenCount|cacheWriteInputTokens",
        cache_write_5m="cache_creation.ephemeral_5m_input_tokens",
        cache_write_1h="cache_creation.ephemeral_1h_input_tokens",
        total_output="output_tokens|outputTokens|generation_token_count|completion_tokens|totalOutputTextTokenCount|"
        "results.0.tokenCount|outputTokenCount",
        reasoning="output_tokens_details.thinking_tokens|completion_tokens_details.reasoning_tokens",
        search_units="search_units",
        images="images.#",
    ),
    model="message.model|model",
    id="message.id|id|ResponseMetadata.RequestId",
    finish="stop_reason|delta.stop_reason|stopReason|messageStop.stopReason|choices.*.finish_reason|"
    "choices.*.stop_reason|outputs.*.stop_reason|finish_reason|generations.*.finish_reason|"
    "completions.*.finishReason.reason|results.*.completionReason|completionReason",
    text="delta.text|contentBlockDelta.delta.text|generation|outputText|completion|choices.*.delta.content",
    full_text="content.*.text|output.message.content.*.text|generation|results.*.outputText|completion|"
    "choices.*.message.content|outputs.*.text",
    terms={"tier": "serviceTier", "speed": "performanceConfigLatency"},
    asked={"tier": "serviceTier", "speed": "performanceConfigLatency"},
    request_model="modelId",
    hook=hooks.read_asked,
    deliver=hooks.watch_body,
)
AGENT = Operation(
    "chat",
    model="",
    id="ResponseMetadata.RequestId",
    request_model="foundationModel",
    deliver=agents.watch_agent,
    tally=agents.tally_step,
    hook=agents.read_agent,
)
KNOWLEDGE = Operation(
    "chat",
    model="",
    id="ResponseMetadata.RequestId",
    request_model="retrieveAndGenerateConfiguration.knowledgeBaseConfiguration.modelArn|"
    "retrieveAndGenerateConfiguration.externalSourcesConfiguration.modelArn",
    hook=agents.read_retrieved,
)
COUNT = Operation("count_tokens", free=True, model="", id="ResponseMetadata.RequestId", request_model="modelId")

ADAPTER = Adapter(
    provider="aws.bedrock",
    package="botocore >= 1.35",
    calls={
        "Converse": CONVERSE,
        "ConverseStream": replace(CONVERSE, deliver=hooks.watch_events),
        "InvokeModel:embed": replace(INVOKE, name="embeddings"),
        "InvokeModel:rerank": replace(INVOKE, name="rerank"),
        "InvokeModel:image": replace(INVOKE, name="image_generation"),
        "InvokeModel:canvas": replace(INVOKE, name="image_generation"),
        "InvokeModel:stability": replace(INVOKE, name="image_generation"),
        "InvokeModel": INVOKE,
        "InvokeModelWithResponseStream": replace(INVOKE, deliver=hooks.watch_chunks),
        "CountTokens": COUNT,
        "InvokeAgent": AGENT,
        "InvokeInlineAgent": AGENT,
        "RetrieveAndGenerate": KNOWLEDGE,
        "RetrieveAndGenerateStream": replace(KNOWLEDGE, deliver=hooks.watch_events),
    },
    seats=(
        Seat("botocore.client", "BaseClient._make_api_call", hooks.open_api_call),
        Seat("aiobotocore.client", "AioBaseClient._make_api_call", hooks.open_api_call, waits=True),
        Seat("botocore.eventstream", "EventStream.close", closes="_event_generator"),
    ),
)
