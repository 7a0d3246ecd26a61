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


class OfficeParts:
    """Reads parts when asked; `content` is the file with the changed ones in place."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._archive = zipfile.ZipFile(BytesIO(content))
        self.names = self._archive.namelist()
        self._changed: dict[str, bytes] = {}

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

    def named(self, folder: str, prefix: str = "") -> Iterator[str]:
        for name in self.names:
            if name.startswith(folder + prefix) and name.endswith(".xml"):
                yield name

    def related(self, name: str, kind: str) -> list[str]:
        """The parts that `name` points to with a relationship ending in `kind`."""
        folder, base = posixpath.split(name)
        root = self.xml(f"{folder}/_rels/{base}.rels")
        if root is None:
            return []
        return [
            posixpath.normpath(posixpath.join(folder, link.get("Target") or "")).lstrip("/")
            if not (link.get("Target") or "").startswith("/")
            else (link.get("Target") or "").lstrip("/")
            for link in root
            if (link.get("Type") or "").endswith(kind)
        ]

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
            for name in dict.fromkeys(self.names):
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
