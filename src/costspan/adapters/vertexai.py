"""Google's older Vertex SDK (google-cloud-aiplatform's `vertexai`). Source: google-cloud-aiplatform 2.7 as installed.

Models and chats, public and preview, end in these private methods.
"""

from __future__ import annotations

from costspan.adapters import _google as google
from costspan.adapters._adapter import Adapter, Operation, Seat, methods
from costspan.adapters._usage import UsageMap

REPLY = "_raw_response"
GENERATE = Operation(
    "generate_content",
    # an unset message of protobuf is there, and false
    usage=google.USAGE.at(f"{REPLY}.usage_metadata.?", f"{REPLY}.candidates.0.grounding_metadata"),
    model=f"{REPLY}.model_version",
    id=f"{REPLY}.response_id",
    finish=f"{REPLY}.candidates.*.finish_reason",
    text=f"{REPLY}.candidates.*.content.parts.*.text",
    full_text=f"{REPLY}.candidates.*.content.parts.*.text",
    terms={"tier": f"{REPLY}.usage_metadata.traffic_type"},
    hook=google.read_generated,
    lazy=True,
    parameters=google.PARAMETERS,
    parameters_in="generation_config._raw_generation_config|generation_config",
)
EMBED = Operation("embeddings", model="", id="", hook=google.count_embedded)
IMAGES = Operation("image_generation", usage=UsageMap(roots=(".",), images="images.#"), model="", id="")
_OF_A_MODEL = {"_generate_content": GENERATE, "_generate_content_streaming": GENERATE}
_CLASSES = {
    "generative_models._generative_models:_GenerativeModel": _OF_A_MODEL,
    "language_models._language_models:_TextEmbeddingModel": {"get_embeddings": EMBED},
}

ADAPTER = Adapter(
    provider="gcp.vertex_ai",
    package="google-cloud-aiplatform >= 1.60",
    seats=(
        *(
            seat
            for where, operations in _CLASSES.items()
            for seat in methods(f"vertexai.{where}", operations, opener=google.open_vertex, later="{}_async")
        ),
        Seat(
            "vertexai.vision_models._vision_models", "ImageGenerationModel.generate_images", google.open_vertex, IMAGES
        ),
    ),
)
