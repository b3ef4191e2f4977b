"""How programs make the clients of SDKs with ways of their own, and what they take out of the answers."""

from __future__ import annotations

import json
import os
from importlib import import_module

from fake_providers import bedrock
from fake_providers import watsonx as wire

_CLAUDE = "anthropic.claude-haiku-4-5-20251001-v1:0"


def converse():
    return {"modelId": _CLAUDE, "messages": [{"role": "user", "content": [{"text": "Cats?"}]}]}


def invoke():
    return {"modelId": _CLAUDE, "body": json.dumps({"messages": [], "max_tokens": 9})}


def invoked_claude(usage):
    return bedrock.invoked({"id": "m", "content": [{"type": "text", "text": "Cats."}], "usage": usage})


def agent():
    who = {"agentId": "A123456789", "agentAliasId": "B123456789", "sessionId": "s-1"}
    return {**who, "inputText": "Cats?", "enableTrace": True}


def knowledge():
    base = {"knowledgeBaseId": "K1", "modelArn": _CLAUDE}
    asked = {"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": base}
    return {"input": {"text": "Cats?"}, "retrieveAndGenerateConfiguration": asked}


class Bedrock:
    """What a program takes out of botocore's dicts."""

    def __init__(self, url):
        client_of = import_module("adapters.bedrock_client").client_of
        self._sdk, self._agents = client_of(url), client_of(url, "bedrock-agent-runtime")
        self.converse = self._sdk.converse

    def converse_stream(self, **arguments):
        return self._sdk.converse_stream(**arguments)["stream"]

    def invoke(self, **arguments):
        answer = self._sdk.invoke_model(**arguments)
        return answer["contentType"], answer["body"].read(3), answer["body"].read(), answer["body"].read()

    def invoke_stream(self, **arguments):
        return self._sdk.invoke_model_with_response_stream(**arguments)["body"]

    def agent(self, **arguments):
        return self._agents.invoke_agent(**arguments)["completion"]

    def retrieve(self, **arguments):
        return self._agents.retrieve_and_generate(**arguments)

    def retrieve_stream(self, **arguments):
        return self._agents.retrieve_and_generate_stream(**arguments)["stream"]

    def close(self):
        self._sdk.close()
        self._agents.close()


def gemini_clients(url):
    genai = import_module("google.genai")
    made = [genai.Client(api_key="k", http_options={"base_url": url}) for _ in range(2)]
    return {"sync": made[0], "async": made[1].aio}


def mistral_clients(url):
    made = import_module("mistralai.client").Mistral(api_key="k", server_url=url)
    return {"sync": made, "async": made}


def openrouter_clients(url):
    never = import_module("openrouter.utils").RetryConfig("none", None, retry_connection_errors=False)
    made = import_module("openrouter").OpenRouter(api_key="k", server_url=url, retry_config=never)
    return {"sync": made, "async": made}


def ai21_clients(url):
    ai21, where = import_module("ai21"), {"api_key": "k", "api_host": url}
    return {"sync": ai21.AI21Client(**where), "async": ai21.AsyncAI21Client(**where)}


def ask_ai21():
    return {"model": "m-1", "messages": [import_module("ai21.models.chat").UserMessage(content="Cats?")]}


def azure_clients(url):
    credential = import_module("azure.core.credentials").AzureKeyCredential("k")
    return {
        kind: import_module(module).ChatCompletionsClient(endpoint=url, credential=credential, retry_total=0)
        for kind, module in (("sync", "azure.ai.inference"), ("async", "azure.ai.inference.aio"))
    }


def watsonx_clients(url):
    """The SDK takes no address but https: its HTTP clients are told to leave the s out."""
    httpx, sdk = import_module("httpx"), import_module("ibm_watsonx_ai")

    class Plain(httpx.HTTPTransport):
        def handle_request(self, request):
            request.url = request.url.copy_with(scheme="http")
            return super().handle_request(request)

    class PlainLater(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request):
            request.url = request.url.copy_with(scheme="http")
            return await super().handle_async_request(request)

    where = sdk.Credentials(url=url.replace("http:", "https:"), token="t", instance_id="openshift", version="5.1")
    api = sdk.APIClient(
        where,
        httpx_client=httpx.Client(transport=Plain()),
        async_httpx_client=httpx.AsyncClient(transport=PlainLater()),
    )
    api.default_project_id = "p"
    models = import_module("ibm_watsonx_ai.foundation_models")
    made = models.ModelInference(model_id=wire.MODEL, api_client=api, validate=False, max_retries=0)
    return {"sync": made, "async": made}


def ask_lm15():
    lm15 = import_module("dspy.lm15")
    return {"request": lm15.Request(model="m-1", messages=(lm15.Message.user("Cats?"),))}


class LiteLLM:
    """Functions of a module, which are given the address with every call."""

    def __init__(self, url):
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it is fetched at import
        self._sdk = import_module("litellm")
        self._where = {"api_base": url + "/v1", "api_key": "k", "num_retries": 0, "max_retries": 0}
        self._root = {**self._where, "api_base": url}

    async def message(self, **arguments):
        self._sdk.disable_aiohttp_transport = True  # what it hands on is cut as the network happens to
        try:
            return await self._sdk.anthropic.messages.acreate(**self._root, **arguments)
        finally:
            self._sdk.disable_aiohttp_transport = False

    def generate(self, **arguments):
        return self._sdk.google_genai.generate_content(**self._root, **arguments)

    async def agenerate(self, **arguments):
        return await self._sdk.google_genai.agenerate_content(**self._root, **arguments)

    def generate_stream(self, **arguments):
        return self._sdk.google_genai.generate_content_stream(**self._root, **arguments)

    async def agenerate_stream(self, **arguments):
        return await self._sdk.google_genai.agenerate_content_stream(**self._root, **arguments)

    def completion(self, **arguments):
        return self._sdk.completion(**self._where, **arguments)

    async def acompletion(self, **arguments):
        return await self._sdk.acompletion(**self._where, **arguments)


class Regolo:
    """Static methods, that give a pair or all of the answer."""

    def __init__(self, url):
        os.environ.setdefault("REGOLO_URL", "http://127.0.0.1:9")  # else the SDK writes its own there, for good
        self._sdk, self._url = import_module("regolo"), url
        self._sdk.enable_model_checks = False

    def chat(self, **arguments):
        return self._sdk.static_chat_completions(api_key="k", base_url=self._url, **arguments)


class Vertex:
    def __init__(self, url):
        anonymous = import_module("google.auth.credentials").AnonymousCredentials()
        where = {"project": "p", "location": "us-central1", "api_endpoint": url, "api_transport": "rest"}
        import_module("vertexai").init(**where, credentials=anonymous)
        self._model = import_module("vertexai.generative_models").GenerativeModel("gemini-2.5-flash")

    def generate(self, **arguments):
        return self._model.generate_content(**arguments)


class Aiobotocore:
    """As `Bedrock`, of a client that is open as long as it is needed."""

    def __init__(self, url):
        self._url, self._opened = url, None

    async def _sdk(self):
        if self._opened is None:
            session = import_module("aiobotocore.session").get_session()
            config = import_module("aiobotocore.config").AioConfig(retries={"max_attempts": 1, "mode": "standard"})
            keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
            where = {"region_name": "us-east-1", "endpoint_url": self._url, "config": config}
            self._opened = await session.create_client("bedrock-runtime", **where, **keys).__aenter__()
        return self._opened

    async def converse(self, **arguments):
        return await (await self._sdk()).converse(**arguments)

    async def converse_stream(self, **arguments):
        return (await (await self._sdk()).converse_stream(**arguments))["stream"]

    async def invoke(self, **arguments):
        body = (await (await self._sdk()).invoke_model(**arguments))["body"]
        return await body.read(3), await body.read(), await body.read()

    async def invoke_stream(self, **arguments):
        return (await (await self._sdk()).invoke_model_with_response_stream(**arguments))["body"]

    async def close(self):
        if self._opened is not None:
            await self._opened.__aexit__(None, None, None)


class DashScope:
    def __init__(self, url):
        self._sdk, self._url = import_module("dashscope"), url + "/api/v1"
        self._later = import_module("dashscope.aigc.generation").AioGeneration

    def call(self, **arguments):
        return self._sdk.Generation.call(api_key="k", base_address=self._url, **arguments)

    async def acall(self, **arguments):
        return await self._later.call(api_key="k", base_address=self._url, **arguments)
