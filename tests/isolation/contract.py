"""What the wire contract lets a caller name: every RPC with every place that takes an id."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from google.api import annotations_pb2  # type: ignore[import-untyped]  # no py.typed
from google.protobuf.descriptor import (
    Descriptor,
    FieldDescriptor,
    FileDescriptor,
    MethodDescriptor,
)

import obelisk.v1
from isolation.kinds import FIELDS, HEADER, READS, SCOPES, Kind, Scope, Unclassified

_CAPTURE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place of a request that names something. `path` leads there; the header's is one name.

    `kind` is what belongs there, or None for a secret, which is no id and may be given one.
    """

    path: tuple[str, ...]
    kind: Kind | None
    repeated: bool = False

    @property
    def name(self) -> str:
        return ".".join(self.path)


SPACE_HEADER = Site(path=(HEADER,), kind=Kind.SPACE)


@dataclass(frozen=True, slots=True)
class Rpc:
    method: MethodDescriptor

    @property
    def short(self) -> str:
        """Such as 'RunService.StartRun'."""
        return f"{self.method.containing_service.name}.{self.method.name}"

    @property
    def full(self) -> str:
        return f"/{self.method.containing_service.full_name}/{self.method.name}"

    @property
    def scope(self) -> Scope:
        """Raises Unclassified."""
        if self.short not in SCOPES:
            raise Unclassified(f"{self.short}: say in isolation/kinds.py what it is confined to")
        return SCOPES[self.short]

    @property
    def route(self) -> tuple[str, str]:
        """HTTP verb and path template."""
        rule = self.method.GetOptions().Extensions[annotations_pb2.http]
        verb = rule.WhichOneof("pattern")
        return verb.upper(), getattr(rule, verb)

    @property
    def captures(self) -> tuple[str, ...]:
        """The fields that stand in the path."""
        return tuple(_CAPTURE.findall(self.route[1]))

    @property
    def changes(self) -> bool:
        """Whether it is meant to change anything."""
        return self.route[0] != "GET" and self.short not in READS

    @property
    def uploads(self) -> bool:
        return bool(self.method.client_streaming)

    @property
    def streams(self) -> bool:
        return bool(self.method.server_streaming)

    @property
    def fields(self) -> tuple[Site, ...]:
        """Every place in the request that takes an id or a secret. Raises Unclassified."""
        return tuple(_sites(self.method.input_type, (), repeated=False))


def _sites(message: Descriptor, path: tuple[str, ...], *, repeated: bool) -> Iterator[Site]:
    for field in message.fields:
        here, many = (*path, field.name), repeated or field.is_repeated
        inner = field.message_type
        if inner is not None and not inner.GetOptions().map_entry:
            yield from _sites(inner, here, repeated=many)
        elif field.type == FieldDescriptor.TYPE_STRING:
            if field.name not in FIELDS:
                raise Unclassified(
                    f"{message.full_name}.{field.name}: say in isolation/kinds.py what it names"
                )
            takes = FIELDS.get(f"{message.name}.{field.name}", FIELDS[field.name])
            if takes is not None:
                kind = takes if isinstance(takes, Kind) else None
                yield Site(path=here, kind=kind, repeated=many)


def messages(message: Descriptor) -> Iterator[Descriptor]:
    """It, and every message inside of it."""
    yield message
    for field in message.fields:
        if field.message_type is not None:
            yield from messages(field.message_type)


@cache
def rpcs() -> tuple[Rpc, ...]:
    """Every RPC of every proto file there is, in order."""
    modules = sorted(
        info.name for info in pkgutil.iter_modules(obelisk.v1.__path__) if info.name[-4:] == "_pb2"
    )
    files: list[FileDescriptor] = [
        importlib.import_module(f"obelisk.v1.{name}").DESCRIPTOR for name in modules
    ]
    return tuple(
        Rpc(method)
        for file in files
        for service in file.services_by_name.values()
        for method in service.methods
    )
