"""Where Vertex AI is asked: `vertex://PROJECT/LOCATION`, and what may follow."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from domain.errors import InvalidInput

SCHEME = "vertex"
_FORM = "vertex://PROJECT/LOCATION, such as vertex://my-project/europe-west4"
_NAME = re.compile(r"[a-z0-9][a-z0-9.:-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class VertexPlace:
    """`endpoint` is a host and port in place of Google's own; `plaintext` is for this machine
    alone, and sends no credentials."""

    project: str
    location: str
    endpoint: str | None = None
    plaintext: bool = False

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises:
        InvalidInput: not of that form, an unknown word, or plaintext to another machine.
        """
        parts = urlsplit(url)
        project, location = parts.netloc, parts.path.strip("/")
        if parts.scheme != SCHEME or not all(map(_NAME.fullmatch, (project, location))):
            raise InvalidInput(f"{url[:100]!r} is no place of Vertex AI: write {_FORM}")
        words = dict(parse_qsl(parts.query, keep_blank_values=True))
        endpoint = words.pop("endpoint", "")
        if words or parts.fragment:
            raise InvalidInput(f"{url[:100]!r}: only ?endpoint=HOST:PORT may follow the location")
        plaintext = endpoint.startswith("http://")
        host = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
        if endpoint and not host.hostname:
            raise InvalidInput(f"{endpoint[:100]!r} is no endpoint: write HOST:PORT")
        if plaintext and not _is_loopback(host.hostname or ""):
            raise InvalidInput("an endpoint on another machine is reached by TLS: write HOST:PORT")
        return cls(
            project=project,
            location=location,
            endpoint=host.netloc or None,
            plaintext=plaintext,
        )

    def target(self, service: str) -> str:
        """The host and port of a service, such as `aiplatform`, at this location."""
        if self.endpoint is not None:
            return self.endpoint if ":" in self.endpoint else f"{self.endpoint}:443"
        prefix = "" if self.location == "global" else f"{self.location}-"
        return f"{prefix}{service}.googleapis.com:443"

    def model(self, name: str) -> str:
        """The resource name of one of Google's models here."""
        return f"projects/{self.project}/locations/{self.location}/publishers/google/models/{name}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
