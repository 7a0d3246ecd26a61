"""Text that people typed."""

import pytest

from domain.errors import InvalidInput
from domain.plain_text import plain_text, terms_in
from domain.tenancy.settings import BrandVoice, SpaceSettings


@pytest.mark.parametrize("text", ["Larkfell", "naïve café ☕", "two\nlines\tand a tab", ""])
def test_what_people_type_passes_unchanged(text: str) -> None:
    assert plain_text(text, "title") == text


@pytest.mark.parametrize("unseen", ["\x00", "\x1b", "\x9b", "\u202e", "\u2066"])
def test_what_nobody_can_see_is_refused_by_name(unseen: str) -> None:
    with pytest.raises(InvalidInput, match=f"U\\+{ord(unseen):04X}") as refused:
        plain_text(f"a{unseen}b", "title")
    assert refused.value.field == "title"
    with pytest.raises(InvalidInput):
        SpaceSettings(facts={"audience": unseen})
    with pytest.raises(InvalidInput):
        BrandVoice(terms_to_avoid=(f"x{unseen}",))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A green start.", ("green",)),
        ("Greenland is large.", ()),
        ("Like new! LIKE NEW.", ("like new",)),
        ("We restart.", ()),
        ("100 % proof", ("100 %",)),
    ],
)
def test_terms_are_found_as_words_of_their_own(text: str, found: tuple[str, ...]) -> None:
    assert terms_in(text, ("green", "like new", "art", "100 %")) == found
