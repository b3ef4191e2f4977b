"""Which model is behind an application inference profile of Bedrock: asked of AWS once, where the settings allow it.

In a thread of its own: the program's call never waits, and nothing that goes wrong reaches it. Until AWS has answered,
such calls have no price. Source: botocore 1.44, GetInferenceProfile. That the list of a global profile names a model
without a region is assumed, from the policies that AWS asks for to use one; no answer with one was seen.
"""

from __future__ import annotations

import os
from importlib import import_module
from inspect import iscoroutinefunction
from threading import Thread
from typing import TYPE_CHECKING, Any

from costspan.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costspan.call import Reply, Request

PROFILE = ":application-inference-profile/"
_MOST = 1000  # profiles that are asked for
_ASK = Guard("look up an inference profile of Bedrock; give its model as a deployment in COSTSPAN_PRICES instead")
_SECONDS = 10
_ZONES = {"us-gov": "us-gov", "us": "us", "eu": "eu", "ap": "apac"}  # of a region: how its cross-region ids begin


class Profiles:
    """What is known of profiles, by ARN."""

    def __init__(self) -> None:
        self._asked: set[tuple[int, str]] = set()  # by process: a fork has none of its parent's threads
        self._models: dict[str, str] = {}

    def ask(self, arn: str, client: Any) -> None:
        """Look a profile up with the credentials of a client, once in this process."""
        key = os.getpid(), arn
        if key not in self._asked and len(self._asked) < _MOST:
            self._asked.add(key)
            Thread(target=self._look_up, args=(arn, client), name="costspan-bedrock-profile", daemon=True).start()

    def _look_up(self, arn: str, client: Any) -> None:
        with _ASK:
            answer = _control_plane(client).get_inference_profile(inferenceProfileIdentifier=arn)
            self._models[arn] = _billed(each["modelArn"] for each in answer["models"])

    def model(self, arn: str) -> str:
        """The ARN of what a profile is billed as; empty if that is not known."""
        return self._models.get(arn, "")


PROFILES = Profiles()


def _control_plane(client: Any) -> Any:
    """A client of Bedrock itself beside one of its runtime: same region, same credentials."""
    session = import_module("botocore.session").get_session()
    credentials = client._request_signer._credentials
    if not iscoroutinefunction(credentials.get_frozen_credentials):  # aiobotocore's: the usual chain finds them, too
        session._credentials = credentials
    config = import_module("botocore.config").Config(
        connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"max_attempts": 2}
    )
    return session.create_client("bedrock", region_name=client.meta.region_name, config=config)


def _billed(models: Iterable[str]) -> str:
    """Of the model in each region that a profile reaches: the one ARN, or that of the cross-region profile."""
    found = sorted(models)
    if len(found) == 1:
        return found[0]
    regions = [arn.split(":")[3] for arn in found]
    zone = "global" if "" in regions else _ZONES.get(regions[0].rpartition("-")[0].rpartition("-")[0], "")
    name = found[0].rpartition("/")[2]
    return f"arn:aws:bedrock:::inference-profile/{zone}.{name}" if zone else found[0]


def read_profile(request: Request, _last: Any, reply: Reply) -> None:
    """What answers behind a profile that was looked up."""
    if PROFILE in request.model and (model := PROFILES.model(request.model)):
        reply.model = model
