"""One spelling for a text and for what is sought in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.retrieval.spelling import searchable, sought


@pytest.mark.parametrize(
    ("text", "words", "wanted"),
    [
        ("Plain words, as they are.", "Plain words, as they are.", "Plain words, as they are."),
        ("東京都", "東 京 都 東京 京都", "東京 京都"),
        ("茶", "茶", "茶"),
        ("iPhoneを買う", "iPhone を 買 う を買 買う", "iPhone を買 買う"),
        ("Gro\u0308ße", "Größe", "Größe"),
        ("ＡＢ ﬁn", "AB fin", "AB fin"),
        ("Dampf\u00adschiff", "Dampfschiff", "Dampfschiff"),
        ("2 m² of Obelisk™", "2 m² of Obelisk™", "2 m² of Obelisk™"),
    ],
)
def test_a_text_and_a_question_have_one_spelling(text: str, words: str, wanted: str) -> None:
    assert searchable(text).split() == words.split()
    assert sought(text).split() == wanted.split()


@given(
    text=st.text("東京都茶を買うガソリンสินค้า서울에서", min_size=1, max_size=40),
    start=st.integers(0, 39),
    size=st.integers(1, 20),
)
def test_any_piece_of_a_text_without_spaces_is_found_in_it(
    text: str, start: int, size: int
) -> None:
    piece = text[start : start + size]
    assert set(sought(piece).split()) <= set(searchable(text).split())


@given(st.text(max_size=60))
def test_spelling_twice_changes_nothing_more(text: str) -> None:
    assert sought(sought(text)).split() == sought(text).split()
