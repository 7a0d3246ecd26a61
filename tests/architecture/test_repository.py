"""What the repository holds, and what it never names."""

import re
from pathlib import Path

import pytest

from architecture.tree import REPOSITORY, TESTS, texts, tracked_files

# Put together here, or this file would report itself.
_LATER = ["".join(parts) for parts in (("TO", "DO"), ("FIX", "ME"), ("XX", "X"))]
_UNFINISHED = re.compile(rf"\b(?:{'|'.join(_LATER)})\b")
_HOSTS = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
_ELSEWHERE = re.compile(
    "|".join(map(re.escape, _HOSTS)) + r"|(?<![\w.~-])/(?:home|root|work|Users)/[\w.]", re.I
)
_NOT_OURS = ("third_party/",)


def lines_with(pattern: re.Pattern[str], name: str, text: str) -> list[str]:
    """`file:line: match` for each line in which the pattern occurs."""
    return [
        f"{name}:{number}: {match[0]}"
        for number, line in enumerate(text.splitlines(), start=1)
        if (match := pattern.search(line))
    ]


def lock_faults(text: str) -> list[str]:
    """Requirements without a pin or a hash, and lines that say where to download from."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    entries = re.split(r"(?<!\\)\n", "\n".join(lines))
    found = [f"names a place: {entry}" for entry in entries if "://" in entry]
    for entry in entries:
        requirement = entry.split("\\\n", 1)[0].strip()
        if requirement.startswith("-"):
            found.append(f"an option: {requirement}")
        elif "==" not in requirement:
            found.append(f"no pin: {requirement}")
        elif not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry):
            found.append(f"no hash: {requirement}")
    return found


def _ours() -> list[tuple[str, str]]:
    return [(name, text) for name, text in texts(tracked_files()) if not name.startswith(_NOT_OURS)]


def test_nothing_is_left_to_be_done_in_the_text() -> None:
    assert [line for name, text in _ours() for line in lines_with(_UNFINISHED, name, text)] == []


def test_no_file_names_a_registry_or_somebodys_machine() -> None:
    assert [line for name, text in _ours() for line in lines_with(_ELSEWHERE, name, text)] == []


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "requirements").glob("*.lock")), ids=lambda path: path.stem
)
def test_a_lock_pins_every_requirement_by_hash_and_names_no_place(path: Path) -> None:
    assert lock_faults(path.read_text(encoding="utf-8")) == []


def test_no_package_in_the_tests_can_stand_before_one_of_ours() -> None:
    assert not (TESTS / "__init__.py").exists()


@pytest.mark.parametrize(
    "text",
    [f"x = 1  # {_LATER[0]}: later", f"a\nsee https://{_HOSTS[0]}/simple", f"cd /{'home'}/me/x"],
)
def test_the_check_finds_words_that_must_not_stand(text: str) -> None:
    assert lines_with(_UNFINISHED, "f", text) or lines_with(_ELSEWHERE, "f", text)


@pytest.mark.parametrize("text", ["todo lists", "GET /v1/x", "a/home/b", "~/x", "/root"])
def test_the_check_lets_ordinary_words_pass(text: str) -> None:
    assert lines_with(_UNFINISHED, "f", text) == lines_with(_ELSEWHERE, "f", text) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("--index-url https://somewhere/simple\n", "names a place"),
        ("--index-url somewhere\n", "an option"),
        ("rich==14.0 \\\n    --hash=sha256:" + "a" * 64 + "\nidna==3.0\n", "no hash: idna==3.0"),
        ("rich==14.0 \\\n    --hash=md5:aaaa\n", "no hash: rich==14.0"),
        ("rich>=14 \\\n    --hash=sha256:" + "a" * 64 + "\n", "no pin: rich>=14"),
    ],
)
def test_the_check_finds_what_is_wrong_with_a_lock(text: str, told: str) -> None:
    assert lock_faults(text)[0].startswith(told)
