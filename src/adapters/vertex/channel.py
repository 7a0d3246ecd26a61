"""Channels to Google's services, with the credentials that Google's own tools find."""

import asyncio

import google.auth
import grpc
from google.auth.exceptions import DefaultCredentialsError
from google.auth.transport.grpc import AuthMetadataPlugin
from google.auth.transport.requests import Request
from google.cloud.aiplatform_v1.services.prediction_service import PredictionServiceAsyncClient
from google.cloud.aiplatform_v1.services.prediction_service.transports.grpc_asyncio import (
    PredictionServiceGrpcAsyncIOTransport,
)

from adapters.vertex.place import VertexPlace
from domain.errors import InvalidInput

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
# A prepared conversation finds its connection open.
_OPTIONS = (
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
)


async def open_channel(place: VertexPlace, service: str) -> grpc.aio.Channel:
    """A channel that connects when it is first used.

    Raises:
        InvalidInput: there are no credentials.
    """
    target = place.target(service)
    if place.plaintext:
        return grpc.aio.insecure_channel(target, options=_OPTIONS)
    # It reads files, and may ask the machine's metadata server.
    credentials = await asyncio.to_thread(_credentials)
    return grpc.aio.secure_channel(target, credentials, options=_OPTIONS)


def prediction_client(channel: grpc.aio.Channel) -> PredictionServiceAsyncClient:
    """Google's client for models, on this channel."""
    return PredictionServiceAsyncClient(
        transport=PredictionServiceGrpcAsyncIOTransport(channel=channel)
    )


def _credentials() -> grpc.ChannelCredentials:
    try:
        found, _ = google.auth.default(scopes=[_SCOPE])
    except DefaultCredentialsError as error:
        raise InvalidInput(
            "Vertex AI needs Google credentials, and none were found: set "
            "GOOGLE_APPLICATION_CREDENTIALS to the file of a service account, or run "
            "`gcloud auth application-default login`"
        ) from error
    # google-auth types neither. A token is renewed before it ends, and no call waits for that.
    found.with_non_blocking_refresh()  # type: ignore[no-untyped-call]
    plugin = AuthMetadataPlugin(found, Request())  # type: ignore[no-untyped-call]
    tokens = grpc.metadata_call_credentials(plugin)
    return grpc.composite_channel_credentials(grpc.ssl_channel_credentials(), tokens)
