"""Questions that mean something only after what was asked before: "And for enterprise?"."""

import re
from collections.abc import Sequence

from domain.words import COMMON_WORDS

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_MOST_CHARACTERS = 500
# How far back a topic is looked for.
_MOST_BACK = 6
_FEW_WORDS = 4
_SHORT_WORDS = 9
# A question may be longer than this and still begin with "And": a topic of its own then.
_LINKED_WORDS = 12

# How a question goes on from another one, in the languages that marketing teams write most.
_LINKS = (
    *("and", "but", "or", "so", "also", "then", "what about", "how about", "same", "instead"),
    *("und", "aber", "oder", "auch", "dann", "was ist mit", "wie sieht es mit"),
    *("et", "mais", "ou", "aussi", "alors", "qu'en est-il", "y", "pero", "o", "también", "e", "ma"),
)
# Words that stand for something said before.
_POINTERS_TEXT = """
it its it's they them their theirs that those these this he him his she her hers one ones
former latter same both either neither there above previous earlier
das dies diese dieser dieses davon dafür damit sie ihn ihm deren dessen denen es
ça cela celui celle ceux ils elles leur eso esto ellos ellas questo quello essi
"""
_ASKING_TEXT = """
why how when where who which what warum wie wann wo wer pourquoi comment quand où
"""
# A preposition in front: a piece of a sentence that was begun before.
_OPENERS_TEXT = """
for in with without on at by from to under over about per during after before
für in mit ohne auf bei von zu unter über pro nach vor pour avec sans dans sur par con sin para
"""
# What is asked of a text, and says nothing about a subject: "Shorter, please."
_MANNER_TEXT = """
make write say shorter longer simpler warmer bolder formal casual friendlier again please more
less version tone shorten rewrite redo kürzer länger bitte noch nochmal plus court encore
"""
_POINTERS = frozenset(_POINTERS_TEXT.split())
_OPENERS = frozenset(_OPENERS_TEXT.split()) | frozenset(_ASKING_TEXT.split())
_MANNER = frozenset(_MANNER_TEXT.split())


def is_follow_up(question: str) -> bool:
    """Whether the question, by its words alone, leans on one before it."""
    words = [word.casefold() for word in _WORD.findall(question)]
    if not words:
        return False
    telling = [word for word in words if word not in COMMON_WORDS and word not in _MANNER]
    if not telling:
        return True
    text = " ".join(words)
    if len(words) <= _LINKED_WORDS and any(text.startswith(f"{link} ") for link in _LINKS):
        return True
    if len(words) <= _FEW_WORDS and words[0] in _OPENERS:
        return True
    return len(words) <= _SHORT_WORDS and any(word in _POINTERS for word in words)


def standalone(question: str, earlier: Sequence[str]) -> str:
    """The question with what it leans on in front; itself when it needs nothing.

    `earlier` are the questions of its conversation, oldest first. Those that lean on others are
    gone through, back to one that stands by itself.
    """
    if not earlier or not is_follow_up(question):
        return question
    said = [question]
    for before in reversed(earlier[-_MOST_BACK:]):
        said.append(before)
        if not is_follow_up(before):
            break
    topic, between = said[-1], list(reversed(said[1:-1]))
    # The topic and the question count most: what came between gives way.
    room = _MOST_CHARACTERS - len(question) - 1
    parts = [topic[: max(room, 0)]]
    for one in reversed(between):
        if sum(len(part) + 1 for part in parts) + len(one) <= room:
            parts.insert(1, one)
    return " ".join(part.strip() for part in (*parts, question) if part.strip())
