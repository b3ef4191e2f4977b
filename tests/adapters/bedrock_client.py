"""Clients of botocore at a fake Bedrock. They share what they read of AWS's services, which takes 0.1 s for each."""

from __future__ import annotations

import botocore.session
from botocore.config import Config
from botocore.loaders import create_loader

_LOADER = create_loader("")


def client_of(url, service="bedrock-runtime"):
    session = botocore.session.get_session()
    session.register_component("data_loader", _LOADER)
    session.set_credentials("a", "b")
    config = Config(retries={"max_attempts": 1, "mode": "standard"})
    return session.create_client(service, region_name="us-east-1", endpoint_url=url, config=config)
