"""What one REST caller may use up."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one exchange: bytes of the body as sent, seconds of wall time; all positive."""

    json_body_bytes: int = 3 << 20
    """Room for the largest picture that a search takes, which is a third longer as base64."""
    upload_body_bytes: int = 51 << 20
    """A little above what the server takes, so that it is the server who explains its limit."""
    call_seconds: float = 300.0
    """Deadline of a unary call; a caller may ask for less, and asking for more gets this."""
    stream_seconds: float = 3600.0
    """The same for streams and uploads; a watcher resumes with `Last-Event-ID`."""
    silence_seconds: float = 1.0
    """How long a stream may say nothing before its headers are sent without a first message."""
    heartbeat_seconds: float = 15.0
    stalled_beats: int = 4
    """A client that takes nothing for this many heartbeats is let go."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise ValueError(
                    f"{field.name} must be above zero, not {getattr(self, field.name)}"
                )
