"""The one spelling of an email."""

import pytest

from domain.auth.account import MAX_EMAIL_CHARACTERS, EmailInvalid, normal_email


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ada.Lovelace@Example.COM", "ada.lovelace@example.com"),
        ("  ada@example.com\n", "ada@example.com"),
        ("a+b-c_d'e@sub.xn--mnchen-3ya.de", "a+b-c_d'e@sub.xn--mnchen-3ya.de"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_an_email_has_one_spelling(typed: str, kept: str) -> None:
    assert normal_email(typed) == kept
    assert normal_email(kept) == kept


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "has an '@'"),
        ("ada", "has an '@'"),
        ("@example.com", "bare address"),
        ("ada@", "a domain such as"),
        ("ada@example..com", "a domain such as"),
        ("ada@-example.com", "a domain such as"),
        ("ada@example.com.", "a domain such as"),
        ("ada@example com", "a domain such as"),
        ("ada@[127.0.0.1]", "a domain such as"),
        ("Ada <ada@example.com>", "bare address"),
        ('"ada lovelace"@example.com', "bare address"),
        ("a da@example.com", "bare address"),
        ("ada.@example.com", "bare address"),
        ("ada@evil.org@example.com", "bare address"),
        ("ada\x00@example.com", "bare address"),
        ("ada,bob@example.com", "bare address"),
        ("a" * 65 + "@example.com", "bare address"),
        ("аda@example.com", "ASCII"),
        ("ada@münchen.de", "xn-- form"),
        ("ada@" + "a." * 130 + "com", f"at most {MAX_EMAIL_CHARACTERS} characters"),
    ],
)
def test_what_is_no_bare_address_is_refused_with_a_reason(typed: str, told: str) -> None:
    with pytest.raises(EmailInvalid, match=told) as refused:
        normal_email(typed, "who")
    assert refused.value.field == "who"
