"""The HTTP forms of the RPCs, read from the descriptors, and the tree that finds them."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from google.api import annotations_pb2, http_pb2  # type: ignore[import-untyped]  # no py.typed
from google.protobuf.descriptor import (
    Descriptor,
    FieldDescriptor,
    FileDescriptor,
    MethodDescriptor,
    ServiceDescriptor,
)

import obelisk.v1
from entrypoints.rest.decoding import field_named, is_well_known
from entrypoints.rest.templates import Template, TemplateError, decode_segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One HTTP form of an RPC. `body` is a field's name, `*` for the whole request, or empty."""

    method: MethodDescriptor
    verb: str
    template: Template
    body: str
    response_body: str

    @property
    def rpc(self) -> str:
        return f"/{self.method.containing_service.full_name}/{self.method.name}"

    def __post_init__(self) -> None:
        request, answer = self.method.input_type, self.method.output_type
        for variable in self.template.variables:
            target = _resolve(request, variable.field, self.template.text)
            if target.is_repeated or (
                target.message_type is not None and not is_well_known(target.message_type)
            ):
                raise TemplateError(f"{self.template.text}: {variable.field} holds no single value")
        if self.body not in ("", "*"):
            _resolve(request, self.body, self.template.text)
        if self.response_body:
            _resolve(answer, self.response_body, self.template.text)


def published_services() -> list[ServiceDescriptor]:
    """Every service of the package obelisk.v1, by name."""
    found: list[ServiceDescriptor] = []
    for module in pkgutil.iter_modules(obelisk.v1.__path__, "obelisk.v1."):
        if module.name.endswith("_pb2"):
            file: FileDescriptor = importlib.import_module(module.name).DESCRIPTOR
            found += file.services_by_name.values()
    return sorted(found, key=lambda service: service.full_name)


def routes_of(services: Iterable[ServiceDescriptor]) -> list[Route]:
    """Every HTTP form in the contract's order. Raises TemplateError when one makes no sense."""
    return [
        route
        for service in services
        for method in service.methods
        for route in _method_routes(method)
    ]


def _method_routes(method: MethodDescriptor) -> Iterator[Route]:
    options = method.GetOptions()
    if not options.HasExtension(annotations_pb2.http):
        return
    rule: http_pb2.HttpRule = options.Extensions[annotations_pb2.http]
    for form in (rule, *rule.additional_bindings):
        pattern = form.WhichOneof("pattern")
        if pattern is None:
            raise TemplateError(f"{method.full_name}: an HTTP form without a path")
        custom = pattern == "custom"
        yield Route(
            method=method,
            verb=form.custom.kind if custom else pattern.upper(),
            template=Template.parse(form.custom.path if custom else getattr(form, pattern)),
            body=form.body,
            response_body=form.response_body,
        )


def _resolve(descriptor: Descriptor, path: str, template: str) -> FieldDescriptor:
    found: FieldDescriptor | None = None
    within: Descriptor | None = descriptor
    for name in path.split("."):
        found = field_named(within, name) if within is not None else None
        if found is None:
            raise TemplateError(f"{template}: {descriptor.name} has no field {path}")
        within = None if found.is_repeated else found.message_type
    assert found is not None
    return found


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    one: "_Node | None" = None
    ends: dict[str, dict[str, Route]] = field(default_factory=dict)
    """Colon verb -> HTTP method -> route, for paths that end here."""
    tails: dict[str, dict[str, Route]] = field(default_factory=dict)
    """The same for paths of which `**` takes the rest."""


class RouteTree:
    """Finds a route by its path, a literal before a variable, whatever the contract's order."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Raises TemplateError when two routes answer the same method and path."""
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        segments = route.template.segments
        for segment in segments[:-1] if segments[-1] == "**" else segments:
            if segment == "*":
                node.one = node.one or _Node()
                node = node.one
            else:
                node = node.literals.setdefault(segment, _Node())
        leaves = node.tails if segments[-1] == "**" else node.ends
        methods = leaves.setdefault(route.template.verb, {})
        if (other := methods.setdefault(route.verb, route)) is not route:
            raise TemplateError(f"{route.verb} {route.template.text}: also {other.template.text}")

    def find(self, segments: Sequence[str], verb: str) -> dict[str, Route]:
        """The routes of a path of raw segments, by HTTP method; empty when there is none."""
        found: dict[str, Route] = {}
        for methods in _leaves(self._root, segments, 0, verb):
            found = {**methods, **found}
        return found


def _leaves(node: _Node, raw: Sequence[str], at: int, verb: str) -> Iterator[dict[str, Route]]:
    if at == len(raw):
        yield from (leaves[verb] for leaves in (node.ends, node.tails) if verb in leaves)
        return
    literal = node.literals.get(decode_segment(raw[at]))
    if literal is not None:
        yield from _leaves(literal, raw, at + 1, verb)
    if node.one is not None and raw[at]:
        yield from _leaves(node.one, raw, at + 1, verb)
    if verb in node.tails:
        yield node.tails[verb]
