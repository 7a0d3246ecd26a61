"""The contract's comments, which the generated Python descriptors leave out."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

Place = tuple[int, ...]
_FILE = FileDescriptorProto
_MESSAGES, _ENUMS, _SERVICES = (
    _FILE.MESSAGE_TYPE_FIELD_NUMBER,
    _FILE.ENUM_TYPE_FIELD_NUMBER,
    _FILE.SERVICE_FIELD_NUMBER,
)


def read_comments(roots: Sequence[Path], files: Sequence[str]) -> dict[str, str]:
    """Full name -> leading comment, for all that `files` (paths under `roots`) declare.

    Needs the development dependencies. Raises CalledProcessError when protoc refuses the files.
    """
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, "descriptors")
        command = [sys.executable, "-m", "grpc_tools.protoc", "--include_source_info"]
        command += [f"-I{root}" for root in roots]
        subprocess.run([*command, f"--descriptor_set_out={out}", *files], check=True)
        declared = FileDescriptorSet.FromString(out.read_bytes())
    return {name: text for file in declared.file for name, text in _file_comments(file)}


def _file_comments(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    said = {tuple(at.path): at.leading_comments for at in file.source_code_info.location}
    for name, place in _declared(file):
        text = said.get(place, "")
        lines = (line.removeprefix(" ").rstrip() for line in text.splitlines())
        yield f"{file.package}.{name}", "\n".join(lines).strip()


def _declared(file: FileDescriptorProto) -> Iterator[tuple[str, Place]]:
    for index, message in enumerate(file.message_type):
        yield from _message(message, message.name, (_MESSAGES, index))
    for index, enum in enumerate(file.enum_type):
        yield from _enum(enum, enum.name, (_ENUMS, index))
    for index, service in enumerate(file.service):
        yield from _service(service, (_SERVICES, index))


def _message(message: DescriptorProto, name: str, place: Place) -> Iterator[tuple[str, Place]]:
    yield name, place
    for index, field in enumerate(message.field):
        yield f"{name}.{field.name}", (*place, DescriptorProto.FIELD_FIELD_NUMBER, index)
    for index, inner in enumerate(message.nested_type):
        at = (*place, DescriptorProto.NESTED_TYPE_FIELD_NUMBER, index)
        yield from _message(inner, f"{name}.{inner.name}", at)
    for index, enum in enumerate(message.enum_type):
        at = (*place, DescriptorProto.ENUM_TYPE_FIELD_NUMBER, index)
        yield from _enum(enum, f"{name}.{enum.name}", at)


def _enum(enum: EnumDescriptorProto, name: str, place: Place) -> Iterator[tuple[str, Place]]:
    yield name, place
    for index, value in enumerate(enum.value):
        yield f"{name}.{value.name}", (*place, EnumDescriptorProto.VALUE_FIELD_NUMBER, index)


def _service(service: ServiceDescriptorProto, place: Place) -> Iterator[tuple[str, Place]]:
    yield service.name, place
    for index, method in enumerate(service.method):
        at = (*place, ServiceDescriptorProto.METHOD_FIELD_NUMBER, index)
        yield f"{service.name}.{method.name}", at


Comments = Mapping[str, str]
