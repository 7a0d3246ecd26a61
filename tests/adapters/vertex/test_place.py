"""Addresses of Vertex AI."""

import pytest

from adapters.vertex.place import VertexPlace
from domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("vertex://p-1/europe-west4", "europe-west4-aiplatform.googleapis.com:443"),
        ("vertex://p-1/global/", "aiplatform.googleapis.com:443"),
        ("vertex://p-1/us?endpoint=ai.p.googleapis.com", "ai.p.googleapis.com:443"),
        ("vertex://p-1/us?endpoint=http://127.0.0.1:90", "127.0.0.1:90"),
        ("vertex://p-1/us?endpoint=https://ai.example.com:8443", "ai.example.com:8443"),
    ],
)
def test_an_address_leads_to_a_location(url: str, target: str) -> None:
    assert VertexPlace.parse(url).target("aiplatform") == target


def test_a_model_is_named_within_its_project() -> None:
    name = VertexPlace.parse("vertex://p-1/us-east1").model("embedder")
    assert name == "projects/p-1/locations/us-east1/publishers/google/models/embedder"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "vertex://PROJECT/LOCATION"),
        ("https://p-1/us", "vertex://PROJECT/LOCATION"),
        ("vertex://p-1", "vertex://PROJECT/LOCATION"),
        ("vertex:///us", "vertex://PROJECT/LOCATION"),
        ("vertex://p-1/us/models/x", "vertex://PROJECT/LOCATION"),
        ("vertex://me@p-1/us", "vertex://PROJECT/LOCATION"),
        ("vertex://p-1/us?region=eu", "endpoint"),
        ("vertex://p-1/us?endpoint=:443", "HOST:PORT"),
        ("vertex://p-1/us?endpoint=http://10.0.0.1:90", "TLS"),
    ],
)
def test_an_address_that_leads_nowhere_says_what_would_be_right(url: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        VertexPlace.parse(url)


def test_nothing_but_this_machine_is_reached_in_plaintext() -> None:
    assert VertexPlace.parse("vertex://p/us?endpoint=http://localhost:1").plaintext
    assert not VertexPlace.parse("vertex://p/us?endpoint=localhost:1").plaintext
