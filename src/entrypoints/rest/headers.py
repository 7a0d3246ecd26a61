"""The few request headers that travel on to the gRPC server, and the deadline asked for."""

import math
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from entrypoints.rest.errors import HttpError, refused

CORRELATION = "x-correlation-id"
FORWARDED = ("authorization", "x-space-id", CORRELATION, "traceparent")
MAX_VALUE = 8192
TIMEOUTS = ("grpc-timeout", "x-timeout-seconds")
_BODY = ("content-type", "content-length", "content-encoding", "transfer-encoding")
_READ = frozenset((*FORWARDED, *TIMEOUTS, *_BODY, "accept", "last-event-id"))
_REPEATABLE = frozenset({"accept"})
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_PLAIN_TOKEN = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
"""What the server's own interceptor keeps, too."""
_GRPC_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])", re.ASCII)
_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHeaders:
    """The headers that this door reads, by lower-case name; all others were dropped."""

    values: Mapping[str, str]
    correlation_id: str
    """The caller's own, or a new one: the answer always carries one."""
    relayed: tuple[tuple[str, str], ...] = ()
    """Who calls, as the gRPC server behind this door believes it from this door alone."""

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def metadata(self) -> tuple[tuple[str, str], ...]:
        given = (name for name in FORWARDED if name in self.values and name != CORRELATION)
        forwarded = ((name, self.values[name]) for name in given)
        return (*forwarded, (CORRELATION, self.correlation_id), *self.relayed)

    def speaking_for(self, relayed: tuple[tuple[str, str], ...]) -> "RequestHeaders":
        """The same, saying who calls."""
        return replace(self, relayed=relayed)

    def deadline(self, longest: float) -> float:
        """Seconds that the call may take: what the caller asks for, at most `longest`."""
        grpc, seconds = self.values.get("grpc-timeout"), self.values.get("x-timeout-seconds")
        if grpc is None and seconds is None:
            return longest
        if grpc is not None and seconds is not None:
            raise _wrong("x-timeout-seconds", "give either this or grpc-timeout, not both")
        asked = _grpc_timeout(grpc) if grpc is not None else _seconds(seconds or "")
        return min(asked, longest)


def peek_correlation_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller's correlation id when it can be used, else a new one."""
    for name, value in headers:
        if name == b"x-correlation-id":
            text = value.decode("latin-1")
            if _PLAIN_TOKEN.fullmatch(text):
                return text
    return str(uuid.uuid4())


def read_headers(headers: Iterable[tuple[bytes, bytes]], correlation_id: str) -> RequestHeaders:
    """Raises HttpError (400) for a value not in printable ASCII, too long, or given twice."""
    values: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name = raw_name.decode("latin-1")
        if name not in _READ:
            continue
        value = raw_value.decode("latin-1").strip(" \t")
        if len(value) > MAX_VALUE:
            raise _wrong(name, f"longer than {MAX_VALUE} characters")
        if not _PRINTABLE.fullmatch(value):
            raise _wrong(name, "holds characters other than printable ASCII")
        if name in values and name not in _REPEATABLE:
            raise _wrong(name, "given more than once")
        values[name] = f"{values[name]}, {value}" if name in values else value
    return RequestHeaders(values=values, correlation_id=correlation_id)


def _grpc_timeout(text: str) -> float:
    match = _GRPC_TIMEOUT.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise _wrong("grpc-timeout", 'expected digits and a unit of H M S m u n, such as "30S"')
    return int(match[1]) * _UNITS[match[2]]


def _seconds(text: str) -> float:
    seconds = float(text) if _SECONDS.fullmatch(text) else 0.0
    if not (math.isfinite(seconds) and seconds > 0):
        raise _wrong("x-timeout-seconds", 'expected seconds above zero, such as "30" or "2.5"')
    return seconds


def _wrong(header: str, what: str) -> HttpError:
    return refused(f"header {header}: {what}", reason="HEADER_INVALID", field=header)
