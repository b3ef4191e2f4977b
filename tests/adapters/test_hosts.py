import pytest

from costspan.adapters._hosts import resolve
from costspan.adapters._listed_hosts import LISTED
from costspan.pricing import store


def found(host, port=443, path="/v1", own=None):
    return resolve(host, port, path, "openai", own or {})


@pytest.mark.parametrize(
    ("host", "path", "provider"),
    [
        ("api.openai.com", "/v1", "openai"),
        ("eu.api.openai.com", "/v1", "openai"),
        ("my.openai.azure.com", "/openai/deployments/d", "azure.ai.openai"),
        ("my.services.ai.azure.com", "/openai/v1", "azure.ai.openai"),
        ("my.services.ai.azure.com", "/models", "azure.ai.inference"),
        ("models.github.ai", "/inference", "azure.ai.inference"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "/openai/v1", "aws.bedrock"),
        ("bedrock-mantle.us-east-1.api.aws", "/v1", "aws.bedrock"),
        ("aws-external-anthropic.us-east-1.api.aws", "", "anthropic"),
        ("generativelanguage.googleapis.com", "/v1beta/openai", "gcp.gemini"),
        ("open.bigmodel.cn", "/api/paas/v4", "zhipuai"),
        ("europe-west4-aiplatform.googleapis.com", "/v1", "gcp.vertex_ai"),
        ("openrouter.ai", "/api/v1", "openrouter"),
        ("api.deepseek.com", "", "deepseek"),
        ("us.inference.heroku.com", "/v1", "heroku"),
        ("dbc-1.cloud.databricks.com", "/serving-endpoints", "databricks"),
        ("oai.endpoints.kepler.ai.cloud.ovh.net", "/v1", "ovhcloud"),
        ("ai-gateway.vercel.sh", "/v1", "vercel_ai_gateway"),
        ("api.cloudflare.com", "/client/v4/accounts/a/ai/v1", "cloudflare"),
    ],
)
def test_the_address_tells_the_provider(host, path, provider):
    assert found(host, path=path).provider == provider


@pytest.mark.parametrize("provider", sorted(set(LISTED.values())))
def test_a_host_is_listed_under_the_name_that_its_prices_have(provider):
    assert store.bundled().section(provider)


@pytest.mark.parametrize("said", ["azure", "azure.ai.openai", " Azure_OpenAI"])
def test_a_mapped_host_has_the_providers_own_name_however_it_is_spelled(said):
    host = found("gw.example.com", own={"gw.example.com": said})

    assert host == found("my.openai.azure.com")
    assert host.stream_usage


def test_an_unknown_host_keeps_the_flavour_and_is_never_priced_as_it():
    host = found("llm.example.com")

    assert host.provider == "openai"
    assert host.biller == "llm.example.com"
    assert not host.stream_usage


@pytest.mark.parametrize(
    ("host", "biller"),
    [
        ("dashscope.aliyuncs.com", "dashscope.aliyuncs.com"),
        ("dashscope-intl.aliyuncs.com", "alibaba_cloud"),
        ("llm-1.cn-beijing.maas.aliyuncs.com", "dashscope.aliyuncs.com"),
        ("llm-1.ap-southeast-1.maas.aliyuncs.com", "alibaba_cloud"),
        ("api.moonshot.cn", "api.moonshot.cn"),
        ("api.moonshot.ai", "moonshot_ai"),
    ],
)
def test_what_is_billed_in_yuan_is_not_priced_by_the_list_in_dollars(host, biller):
    assert found(host).biller == biller


def test_a_look_alike_is_not_the_provider():
    assert found("api.openai.com.example.com").biller == "api.openai.com.example.com"
    assert found("notopenrouter.ai").biller == "notopenrouter.ai"


def test_the_users_own_mapping_wins():
    assert found("gw.example.com", own={"gw.example.com": "anthropic"}).biller == "anthropic"
    assert found("localhost", 9000, own={"localhost:9000": "openai"}).stream_usage
    assert not found("localhost", 9000, own={"localhost:9000": "mistral"}).stream_usage


@pytest.mark.parametrize(("port", "name"), [(11434, "ollama"), (8000, "vllm"), (1234, "lm_studio")])
def test_local_servers_are_known_by_their_port(port, name):
    assert found("localhost", port).biller == found("mac.local", port).biller == name


def test_an_unknown_local_server_is_unknown():
    assert found("127.0.0.1", 5005).biller == "127.0.0.1"


def test_a_residency_host_names_its_region():
    assert found("eu.api.openai.com").geo == "eu"
    assert found("api.openai.com").geo == ""


@pytest.mark.parametrize(
    "host",
    [
        "bedrock-runtime.eu-west-2.amazonaws.com",
        "bedrock-runtime-fips.eu-west-2.amazonaws.com",
        "bedrock-mantle.eu-west-2.api.aws",
        "vpce-0a1b2c.bedrock-runtime.eu-west-2.vpce.amazonaws.com",
    ],
)
def test_a_host_of_bedrock_names_its_region(host):
    assert (found(host).biller, found(host).geo) == ("aws.bedrock", "eu-west-2")


def test_a_routers_path_names_who_bills():
    assert found("router.huggingface.co", path="/together/v1").biller == "huggingface_together"
    assert found("router.huggingface.co", path="/v1").biller == "hugging_face"
