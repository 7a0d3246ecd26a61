"""Characters that take up no room are told from those that a script needs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.documents.structure import HiddenKind
from domain.documents.unseen import without_unseen


@pytest.mark.parametrize(
    "text",
    [
        "Plain words",
        "Grüße, naïve, Ελλάδα, 日本語のテキスト, 한국어",
        "A family 👨\u200d👩\u200d👧 and a heart ❤\ufe0f",
        "Flags 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f of England",
        "می\u200cخواهم",
        "क्\u200dष",
        "שלום \u200eabc\u200f",
    ],
)
def test_what_a_script_needs_stays(text: str) -> None:
    assert without_unseen(text) == (text, ())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\ufeffFirst words", "First words"),
        ("a/very/\u200blong/path", "a/very/long/path"),
        ("สวัสดี\u200bครับ", "สวัสดีครับ"),
    ],
)
def test_places_to_break_a_line_hide_nothing(text: str, shown: str) -> None:
    assert without_unseen(text) == (shown, ())


@pytest.mark.parametrize(
    ("text", "shown", "kind", "told"),
    [
        ("ig\u200bnore it", "ignore it", HiddenKind.ZERO_WIDTH, "ig\u200bnore"),
        ("a\u2062\u2063b", "ab", HiddenKind.ZERO_WIDTH, "a\u2062\u2063b"),
        ("turn \u202eedoc\u202c back", "turn edoc back", HiddenKind.ZERO_WIDTH, None),
        ("x\U000e0068\U000e0069", "x", HiddenKind.TAG_CHARACTERS, "hi"),
        ("😀\ufe0f\U000e0158\U000e0159", "😀", HiddenKind.ZERO_WIDTH, None),
    ],
)
def test_what_hides_is_taken_out_and_told(
    text: str, shown: str, kind: HiddenKind, told: str | None
) -> None:
    seen, (found,) = without_unseen(text, page=3)
    assert (seen, found.kind, found.page) == (shown, kind, 3)
    assert told is None or found.text == told


@given(st.text(alphabet="abc \u200b\u200d\ufeff\U000e0041\ufe0fé"))
def test_letters_are_never_lost(text: str) -> None:
    seen, _ = without_unseen(text)
    assert [c for c in seen if c.isalnum()] == [c for c in text if c.isalnum()]
    assert "\U000e0041" not in seen
