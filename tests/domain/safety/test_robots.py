import time

import pytest

from domain.safety.robots import NOTHING, RobotsRules, robots_rules


def rules(*lines: str, agent: str = "Obelisk") -> RobotsRules:
    return robots_rules("\n".join(lines).encode(), agent)


def test_a_site_without_rules_may_be_read() -> None:
    assert rules().allows("/")
    assert rules("Sitemap: https://a.example/s.xml", "<html>not found</html>").allows("/")


@pytest.mark.parametrize(
    ("pattern", "matched", "free"),
    [
        ("/", "/a", None),
        ("/fish", "/fish.html", "/Fish"),
        ("/fish/", "/fish/salmon", "/fish"),
        ("/*.php", "/a/b.php?x", "/a/b.ph"),
        ("/*.php$", "/a/b.php", "/a/b.php?x"),
        ("/fish*.php", "/fishes/a.php", "/a/fish.php"),
        ("/a*b*c$", "/aXbXbc", "/aXbXcd"),
        ("/ä", "/%C3%A4", "/a"),
        ("/%7Ejoe", "/~joe/x", "/joe"),
        ("*", "/x", None),
        ("/q?", "/q?a=b", "/q"),
    ],
)
def test_patterns_match_as_the_standard_says(pattern: str, matched: str, free: str | None) -> None:
    found = rules("User-agent: *", f"Disallow: {pattern}")

    assert not found.allows(matched)
    assert free is None or found.allows(free)


def test_the_longest_pattern_decides_and_allow_wins_a_tie() -> None:
    found = rules(
        *("User-agent: *", "Disallow: /a", "Allow: /a/b", "Disallow: /a/b/c"),
        *("Disallow: /page", "Allow: /page"),
    )

    assert [found.allows(p) for p in ("/a", "/a/b", "/a/b/c", "/page")] == [
        *(False, True, False, True)
    ]


def test_rules_that_name_us_replace_those_for_everybody() -> None:
    lines = (
        *("User-agent: *", "Disallow: /", "", "user-agent: OBELISK/1.0", "User-agent: other"),
        *("Disallow: /private # ours", "", "User-agent: obelisk", "Disallow: /more"),
    )

    assert rules(*lines).allows("/")
    assert not rules(*lines).allows("/private/x")
    assert not rules(*lines).allows("/more")
    assert not rules(*lines, agent="Somebody").allows("/")


def test_a_group_without_rules_that_names_us_allows_everything() -> None:
    assert rules("User-agent: obelisk", "Disallow:", "User-agent: *", "Disallow: /").allows("/")


def test_rules_before_any_name_are_nobodys() -> None:
    assert rules("Disallow: /", "User-agent: *", "Disallow: /a").allows("/b")


def test_robots_txt_itself_may_always_be_read() -> None:
    assert NOTHING.allows("/robots.txt")
    assert not NOTHING.allows("/")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_counts(end: str) -> None:
    content = ("\ufeffUser-agent: *" + end + "Disallow: /a" + end).encode()

    assert not robots_rules(content, "Obelisk").allows("/a")


@pytest.mark.parametrize(
    "line", ["User-agent: obelisk\n", "User-agent: *\nDisallow: /*a*a*a*a$\n", "Disallow: /\x00\n"]
)
def test_half_a_megabyte_of_rules_is_read_in_no_time(line: str) -> None:
    content = line.encode() * (600_000 // len(line))
    started = time.process_time()

    robots_rules(content, "Obelisk").allows("/" + "a" * 2000 + "b")

    assert time.process_time() - started < 3
