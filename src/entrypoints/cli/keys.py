"""`obelisk keys`."""

from datetime import UTC

from google.protobuf.timestamp_pb2 import Timestamp

from entrypoints.cli.spaces import client
from entrypoints.cli.terminal import console
from entrypoints.settings import Settings
from obelisk.v1 import auth_pb2


async def show(settings: Settings, server: str) -> None:
    """Print the signing keys with the window of each, oldest first."""
    async with client(settings, server) as obelisk:
        answer = await obelisk.auth.ListSigningKeys(
            auth_pb2.ListSigningKeysRequest(), metadata=obelisk.metadata
        )
    # Wider than most terminals, so no table: one would cut the moments short.
    _line("Key", "Phase", "Published", "Signs from", "Signs until")
    for key in answer.keys:
        until = _moment(key.retire_time) if key.HasField("retire_time") else "replaced"
        since, signs = _moment(key.publish_time), _moment(key.activate_time)
        _line(key.kid, _phase(key.phase), since, signs, until)


async def rotate(settings: Settings, server: str) -> None:
    """Make the next key the active one, and say when it begins to sign."""
    async with client(settings, server) as obelisk:
        answer = await obelisk.auth.RotateSigningKey(
            auth_pb2.RotateSigningKeyRequest(), metadata=obelisk.metadata
        )
    begins = _moment(answer.key.activate_time)
    console.print(f"{answer.key.kid} signs from {begins} on", soft_wrap=True)


def _line(kid: str, phase: str, since: str, signs: str, until: str) -> None:
    text = f"{kid:<43}  {phase:<7}  {since:<23}  {signs:<23}  {until}"
    console.print(text, soft_wrap=True)


def _moment(time: Timestamp) -> str:
    return f"{time.ToDatetime(tzinfo=UTC):%Y-%m-%d %H:%M:%S} UTC"


def _phase(phase: auth_pb2.KeyPhase.ValueType) -> str:
    return auth_pb2.KeyPhase.Name(phase).removeprefix("KEY_PHASE_").lower()
