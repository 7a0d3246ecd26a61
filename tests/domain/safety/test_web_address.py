import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.safety.web_address import (
    AddressNotAllowed,
    check_host,
    checked_host_rule,
    web_address,
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("https://example.com", "https://example.com/"),
        (" HTTPS://Example.COM:443/A?b=c#d ", "https://example.com/A?b=c"),
        ("http://example.com.:80/", "http://example.com/"),
        ("http://example.com:8080/", "http://example.com:8080/"),
        (
            "http://bücher.example/ä b".replace(" ", "%20"),
            "http://xn--bcher-kva.example/%C3%A4%20b",
        ),
        ("http://example.com/a/../b/./c", "http://example.com/b/c"),
        ("http://example.com/a/%2e%2E/b", "http://example.com/b"),
        ("http://example.com/%7euser/%2f", "http://example.com/~user/%2F"),
        ("http://example.com?q=ä", "http://example.com/?q=%C3%A4"),
        ("http://[2606:4700::0:1111]/", "http://[2606:4700::1111]/"),
        ("http://example.com/../../etc", "http://example.com/etc"),
    ],
)
def test_two_spellings_of_one_address_are_one(text: str, meant: str) -> None:
    assert str(web_address(text)) == meant
    assert web_address(meant) == web_address(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "example.com", "/page", "ftp://example.com/", "file:///etc/passwd"),
        *("javascript:alert(1)", "data:text/html,x", "http://", "http:///a", "http:example.com"),
        *(
            "http://user@example.com/",
            "http://a:b@example.com/",
            "http://example.com@evil.example/",
        ),
        *(
            "http://example.com\\@evil.example/",
            "http://exa mple.com/",
            "http://example.com/\r\nX: y",
        ),
        *("http://example.com:99999/", "http://example.com:x/", "http://[::1", "http://[v1.x]/"),
        *("http://a..b/", "http://-a.example/", f"http://{'a' * 64}.example/", "http://a%2eb/"),
        "http://example.com/" + "a" * 2048,
    ],
)
def test_what_is_no_address_of_the_web_is_refused(text: str) -> None:
    with pytest.raises(AddressNotAllowed) as refused:
        web_address(text)
    assert refused.value.field == "url"


@given(st.text(max_size=80))
def test_any_text_is_an_address_in_one_spelling_or_refused(text: str) -> None:
    try:
        address = web_address(f"http://shop.example/{text}")
    except AddressNotAllowed:
        return
    assert address.host == "shop.example"
    assert str(address).isascii()
    assert web_address(str(address)) == address


@pytest.mark.parametrize(
    ("reference", "meant"),
    [
        ("/b", "https://shop.example/b"),
        ("c?d", "https://shop.example/a/c?d"),
        ("//other.example/x", "https://other.example/x"),
        ("http://other.example", "http://other.example/"),
        ("?page=2", "https://shop.example/a/b?page=2"),
    ],
)
def test_a_link_leads_on_from_its_page(reference: str, meant: str) -> None:
    assert str(web_address("https://shop.example/a/b").joined(reference)) == meant


@pytest.mark.parametrize("reference", ["file:///x", "http://a@b/", "/a\r\nb", "http://[", "\\\\x"])
def test_a_link_off_the_web_is_refused(reference: str) -> None:
    with pytest.raises(AddressNotAllowed):
        web_address("https://shop.example/").joined(reference)


@pytest.mark.parametrize(
    ("rule", "allowed", "refused"),
    [
        ("shop.example", "shop.example", "www.shop.example"),
        ("*.shop.example", "www.shop.example", "shop.example"),
        ("*.shop.example", "a.b.shop.example", "myshop.example"),
        ("*", "anything.example", None),
        ("Shop.Example", "shop.example", "shop.example.evil.example"),
    ],
)
def test_a_rule_names_a_host_or_what_lies_below_it(
    rule: str, allowed: str, refused: str | None
) -> None:
    rules = [checked_host_rule(rule)]
    check_host(allowed, rules)
    if refused:
        with pytest.raises(AddressNotAllowed):
            check_host(refused, rules)


def test_without_rules_nothing_is_allowed_and_the_answer_says_where_they_are() -> None:
    with pytest.raises(AddressNotAllowed, match="web_hosts"):
        check_host("shop.example", ())


@pytest.mark.parametrize("rule", ["", "**", "*.", "*a.example", "https://a.example", "a.example/x"])
def test_a_rule_that_is_none_is_refused(rule: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_host_rule(rule)
    assert refused.value.field == "web_hosts"
