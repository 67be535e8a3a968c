"""How the edge reaches AWS Lambda: the settings, and a boto3 client made from them and nothing else.

With an end point of its own and credentials in the settings, the client is sealed: no `AWS_*` variable, no file under
`~/.aws`, no proxy and no metadata service has a say in it. Without credentials in the settings, boto3's usual search for
them holds, and so do the user's profile and proxies.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Protocol

import boto3.session
import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.exceptions import BotoCoreError
from botocore.loaders import Loader

from roost.errors import ConfigurationError
from roost_cloud.aws_lambda.payload import ImageEncoding


class LambdaClient(Protocol):
    """What Roost uses of boto3's client for AWS Lambda."""

    def invoke(self, **parameters: object) -> dict[str, Any]:
        """Call a function and wait for its answer."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key pair."""

    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True, slots=True)
class LambdaSettings:
    """Where the function is and how calls are bounded.

    endpoint_url: None for AWS itself. credentials: None for boto3's usual search. connect_timeout_s bounds a new connection;
    answer_timeout_s bounds the wait for an answer, so it should be the longest deadline that any call has: a call whose
    deadline has passed is given up at once, but its thread is only free after this time. max_in_flight: calls at once.
    """

    function: str
    region: str = "us-east-1"
    endpoint_url: str | None = None
    credentials: Credentials | None = None
    connect_timeout_s: float = 1.0
    answer_timeout_s: float = 2.0
    max_in_flight: int = 16
    encoding: ImageEncoding = "raw"


def connect(settings: LambdaSettings) -> LambdaClient:
    """A client for these settings. Reads files, and without credentials may ask the network: not for the event loop.

    Raises `ConfigurationError`.
    """
    sealed = settings.endpoint_url is not None and settings.credentials is not None
    config = Config(
        connect_timeout=settings.connect_timeout_s,
        read_timeout=settings.answer_timeout_s,
        # Whether to try again is the scheduler's business.
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=settings.max_in_flight,
        tcp_keepalive=True,
        proxies={} if sealed else None,
    )
    try:
        session = boto3.session.Session(botocore_session=_sealed_session() if sealed else None, region_name=settings.region)
        if settings.credentials is None and session.get_credentials() is None:
            raise ConfigurationError(
                "there are no credentials for AWS Lambda", remedy="log in with the AWS command line, or name credentials"
            )
        credentials = settings.credentials
        client: LambdaClient = session.client(
            "lambda",
            endpoint_url=settings.endpoint_url,
            aws_access_key_id=credentials.access_key_id if credentials is not None else None,
            aws_secret_access_key=credentials.secret_access_key if credentials is not None else None,
            config=config,
        )
        return client
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(
            f"AWS Lambda cannot be set up: {error}", remedy="check region, end point and profile"
        ) from error


def _sealed_session() -> botocore.session.Session:
    """A session whose every setting is the library's own default."""
    defaults = {
        name: (None, None, default, conversion)
        for name, (_, _, default, conversion) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    for name in ("config_file", "credentials_file"):
        defaults[name] = (None, None, os.devnull, None)
    session = botocore.session.Session(session_vars=defaults)
    # The default loader also reads service descriptions from the user's ~/.aws/models.
    session.register_component("data_loader", Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False))
    return session
