"""The limits of what a space says about itself."""

from collections.abc import Callable

import pytest

from domain.conversations.conversation import MAX_TITLE_CHARACTERS, checked_title
from domain.errors import InvalidInput
from domain.tenancy.organization import MAX_DISPLAY_NAME_CHARACTERS, checked_display_name
from domain.tenancy.settings import BrandVoice, SpaceSettings

Make = Callable[[], BrandVoice | SpaceSettings]


@pytest.mark.parametrize(
    "make",
    [
        BrandVoice,
        lambda: BrandVoice(tone="x" * 2000, reading_level="x" * 200),
        lambda: BrandVoice(terms_to_use=("x" * 200,) * 200, terms_to_avoid=("y",) * 200),
        lambda: BrandVoice(claims_needing_proof=("x" * 500,) * 200),
        lambda: SpaceSettings(facts={f"{n}": "x" * 2000 for n in range(100)}),
        lambda: SpaceSettings(facts={"x" * 200: ""}),
        lambda: SpaceSettings(web_hosts=("*", "shop.example", "*.shop.example")),
    ],
)
def test_what_lies_on_the_limit_is_accepted(make: Make) -> None:
    made = make()
    assert made == make()


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: BrandVoice(tone="x" * 2001), "tone"),
        (lambda: BrandVoice(reading_level="x" * 201), "reading_level"),
        (lambda: BrandVoice(terms_to_use=("x" * 201,)), "terms_to_use"),
        (lambda: BrandVoice(terms_to_avoid=("x",) * 201), "terms_to_avoid"),
        (lambda: BrandVoice(terms_to_avoid=("cheap", " ")), "terms_to_avoid"),
        (lambda: BrandVoice(claims_needing_proof=("x" * 501,)), "claims_needing_proof"),
        (lambda: SpaceSettings(facts={f"{n}": "" for n in range(101)}), "facts"),
        (lambda: SpaceSettings(facts={"x" * 201: ""}), "facts"),
        (lambda: SpaceSettings(facts={"audience": "x" * 2001}), "facts[audience]"),
        (lambda: SpaceSettings(web_hosts=("https://shop.example",)), "web_hosts"),
        (lambda: SpaceSettings(web_hosts=("Shop.example",)), "web_hosts"),
        (lambda: SpaceSettings(web_hosts=("shop.example",) * 201), "web_hosts"),
    ],
)
def test_what_lies_beyond_is_refused_by_name(make: Make, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        make()
    assert refusal.value.field == field


def test_names_lose_their_outer_white_space() -> None:
    assert checked_display_name("  Nordlys \n") == "Nordlys"
    assert checked_title("  Launch ") == "Launch"
    assert checked_title("") == ""


@pytest.mark.parametrize("name", ["", "   ", "x" * (MAX_DISPLAY_NAME_CHARACTERS + 1)])
def test_a_display_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        checked_display_name(name)
    assert refusal.value.field == "display_name"


def test_a_title_that_is_too_long_is_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        checked_title("x" * (MAX_TITLE_CHARACTERS + 1))
    assert refusal.value.field == "title"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BrandVoice(tone="x" * 2001), "tone has 2001 characters; at most 2000"),
        (
            lambda: BrandVoice(terms_to_avoid=("x",) * 201),
            "terms_to_avoid has 201 entries; at most 200",
        ),
        (
            lambda: BrandVoice(terms_to_use=(" ",)),
            "terms_to_use holds an empty entry; remove it",
        ),
        (
            lambda: SpaceSettings(facts={f"{n}": "" for n in range(101)}),
            "facts has 101 entries; at most 100",
        ),
        (
            lambda: BrandVoice(reading_level="\x07"),
            "reading_level holds the control character U+0007; remove it",
        ),
    ],
)
def test_a_refusal_says_what_there_is_and_what_may_be(make: Make, message: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        make()
    assert refusal.value.message == message
