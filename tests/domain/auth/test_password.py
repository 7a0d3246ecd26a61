"""What a password may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.auth.password import PasswordUnfit, fit_password, prepared

EMAIL = "ada@example.com"


@pytest.mark.parametrize(
    "good",
    [
        "plum velvet orbit cactus",
        "Tr0ub4dor&3xyz",
        "zwölf Boxkämpfer",
        "  spaces  count  ",
        "中文密码也可以",
        "🐝🦀🐙🦉🐌",
        "ada has a passphrase",
    ],
)
def test_a_long_password_of_any_kind_is_taken(good: str) -> None:
    assert fit_password(good, EMAIL) == good


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("short", "at least 12 bytes of UTF-8, not 5"),
        ("elevenchars", "not 11"),
        ("a" * 1025, "at most 1024 bytes of UTF-8, not 1025"),
        ("ä" * 513, "not 1026"),
        ("aaaaaaaaaaaaaaaa", "first that anybody would try"),
        ("abababababab", "first that anybody"),
        ("123456789012", "first that anybody"),
        ("zyxwvutsrqpon", "first that anybody"),
        ("Password12345!", "first that anybody"),
        ("P@ssw0rd!2026", "first that anybody"),
        ("123456Qwerty", "first that anybody"),
        ("ADA@example.com", "first that anybody"),
        ("ada123456789", "first that anybody"),
        ("good enough\x00 but", "nobody can type"),
        ("good enough \U000e0fff but", "nobody can type"),
    ],
)
def test_a_poor_password_is_refused_with_what_would_be_right(bad: str, told: str) -> None:
    with pytest.raises(PasswordUnfit, match=told) as refused:
        fit_password(bad, EMAIL, "new_password")
    assert refused.value.field == "new_password"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("zwo\u0308lf Boxer und Hunde", "zwölf Boxer und Hunde"),
        ("ｆｕｌｌ ｗｉｄｔｈ ｗｏｒｄｓ", "full width words"),
        ("no\u00a0break space here", "no break space here"),
    ],
)
def test_the_same_password_from_another_keyboard_is_the_same(one: str, other: str) -> None:
    assert prepared(one) == prepared(other)


@given(st.text(max_size=25))
def test_the_prepared_form_prepares_to_itself(text: str) -> None:
    assert prepared(prepared(text)) == prepared(text)


def test_a_password_of_exactly_the_bounds_is_taken() -> None:
    assert fit_password("abcdefgh-jkl", None) == "abcdefgh-jkl"
    longest = ("plum velvet orbit " * 60)[:1024]
    assert fit_password(longest, None) == longest
