"""The XML parts of an Office file, some of them changed before docling reads them."""

import posixpath
import zipfile
from collections.abc import Iterator
from io import BytesIO

from lxml import etree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_LINKS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"
_MAIN = "/officeDocument/2006/relationships/officeDocument"


class OfficeParts:
    """Reads parts when asked; `content` is the file with the changed ones in place."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._archive = zipfile.ZipFile(BytesIO(content))
        # As the keys of a dict: in order, once each, and found at once.
        self.names = dict.fromkeys(self._archive.namelist())
        self._changed: dict[str, bytes] = {}
        self._kept: dict[str, etree._Element | None] = {}
        self._links_of: dict[str, list[tuple[str, str, str]]] = {}

    def raw(self, name: str) -> bytes:
        """Empty when there is no such part."""
        return self._archive.read(name) if name in self.names else b""

    def xml(self, name: str) -> etree._Element | None:
        """None when the part is not there or is no XML: docling will say what it makes of it."""
        data = self.raw(name)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        try:
            return etree.fromstring(data, parser) if data else None
        except etree.XMLSyntaxError:
            return None

    def kept(self, name: str) -> etree._Element | None:
        """The same, read once and held: for parts that are asked for again."""
        if name not in self._kept:
            self._kept[name] = self.xml(name)
        return self._kept[name]

    @property
    def main(self) -> str:
        """The part that the file is about, which need not have the usual name; empty for none."""
        return next(iter(self.related("", _MAIN)), "")

    def typed(self, ending: str) -> list[str]:
        """The parts whose own content type ends so, in the order of the list of types."""
        root = self.kept("[Content_Types].xml")
        return [
            (part.get("PartName") or "").lstrip("/")
            for part in (() if root is None else root.iter(f"{_TYPES}Override"))
            if (part.get("ContentType") or "").endswith(ending)
        ]

    def related(self, name: str, kind: str) -> list[str]:
        """The parts that `name` points to with a relationship ending in `kind`."""
        found = (part for _, link, part in self._links(name) if link.endswith(kind))
        return list(dict.fromkeys(found))

    def first(self, name: str, kind: str) -> etree._Element | None:
        """The first of them; None when there is none."""
        return next((self.xml(part) for part in self.related(name, kind)), None)

    def targets(self, name: str) -> dict[str, str]:
        """The parts that `name` points to, by the ids of its relationships."""
        return {key: part for key, _, part in self._links(name)}

    def _links(self, name: str) -> list[tuple[str, str, str]]:
        if name not in self._links_of:
            self._links_of[name] = list(self._read_links(name))
        return self._links_of[name]

    def _read_links(self, name: str) -> Iterator[tuple[str, str, str]]:
        folder, base = posixpath.split(name)
        root = self.xml(posixpath.join(folder, "_rels", f"{base}.rels"))
        for link in () if root is None else root.iter(f"{_LINKS}Relationship"):
            target = posixpath.join("/", folder, link.get("Target") or "")
            part = posixpath.normpath(target).lstrip("/")
            yield link.get("Id") or "", link.get("Type") or "", part

    def change(self, name: str, root: etree._Element) -> None:
        self._changed[name] = etree.tostring(
            root, xml_declaration=True, encoding="UTF-8", standalone=True
        )

    @property
    def content(self) -> bytes:
        if not self._changed:
            return self._content
        out = BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
            for name in self.names:
                packed.writestr(name, self._changed.get(name) or self._archive.read(name))
        return out.getvalue()


def metadata_fields(parts: OfficeParts) -> list[str]:
    """What the file's properties say: those of Office, and the file's own."""
    found = []
    for name in ("docProps/core.xml", "docProps/app.xml", "docProps/custom.xml"):
        root = parts.xml(name)
        if root is not None:
            found += [
                e.text for e in root.iter() if isinstance(e.tag, str) and (e.text or "").strip()
            ]
    return [text for text in found if text]
