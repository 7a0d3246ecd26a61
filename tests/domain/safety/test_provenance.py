"""Labels, and the laws that their join keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.documents.document import Collection
from domain.safety.provenance import (
    SYSTEM_TEXT,
    Confidentiality,
    Integrity,
    Label,
    is_external,
    joined,
    label_of_collection,
)

LABELS = st.builds(Label, st.sampled_from(Integrity), st.sampled_from(Confidentiality))


@given(a=LABELS, b=LABELS, c=LABELS)
def test_a_join_is_a_join(a: Label, b: Label, c: Label) -> None:
    assert a.join(a) == a
    assert a.join(b) == b.join(a)
    assert a.join(b).join(c) == a.join(b.join(c))
    assert SYSTEM_TEXT.join(a) == a


@given(a=LABELS, b=LABELS)
def test_a_join_trusts_no_more_and_hides_no_less_than_its_parts(a: Label, b: Label) -> None:
    both = a.join(b)
    assert both.integrity == min(a.integrity, b.integrity)
    assert both.confidentiality == max(a.confidentiality, b.confidentiality)


@given(labels=st.lists(LABELS, max_size=5))
def test_joining_many_depends_on_no_order(labels: list[Label]) -> None:
    assert joined(labels) == joined(reversed(labels)) == joined([*labels, *labels])


def test_nothing_at_all_is_system_text() -> None:
    assert joined([]) == SYSTEM_TEXT


@pytest.mark.parametrize("collection", Collection)
def test_only_saved_web_pages_are_outsiders_words(collection: Collection) -> None:
    external = collection is Collection.WEB
    assert is_external(collection) is external
    expected = Integrity.EXTERNAL if external else Integrity.MEMBER
    assert label_of_collection(collection) == Label(expected, Confidentiality.SPACE)
