"""Values of a checkpoint as JSON text: nothing is ever built out of them but plain values."""

import json

from domain.plain import NotPlain, Plain

_FORM = "json"
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class PlainSerializer:
    """Refuses to write what is not plain, and to read what it did not write."""

    def dumps_typed(self, obj: object) -> tuple[str, bytes]:
        """Raises NotPlain."""
        try:
            text = _COMPACT.encode(obj)
        except (TypeError, ValueError) as error:
            raise NotPlain(f"only plain values go into a checkpoint: {error}") from error
        return _FORM, text.encode("utf-8", "surrogatepass")

    def loads_typed(self, data: tuple[str, bytes]) -> Plain:
        """Raises NotPlain."""
        form, payload = data
        if form != _FORM:
            raise NotPlain(f"a checkpoint holds {_FORM}, not {form!r:.40}")
        value: Plain = json.loads(payload.decode("utf-8", "surrogatepass"))
        return value


def pack(value: object) -> bytes:
    """One value as a mark's payload. Raises NotPlain."""
    return PlainSerializer().dumps_typed(value)[1]


def unpack(payload: bytes) -> Plain:
    """Undo `pack`."""
    return PlainSerializer().loads_typed((_FORM, payload))
