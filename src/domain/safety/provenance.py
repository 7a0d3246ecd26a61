"""Labels on text: who could have written it, who may read it. A join takes the worst of both."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from domain.documents.document import Collection


class Integrity(IntEnum):
    """Higher is more trusted."""

    EXTERNAL = 0
    MEMBER = 1
    OPERATOR = 2
    SYSTEM = 3


class Confidentiality(IntEnum):
    """Higher is more secret."""

    PUBLIC = 0
    SPACE = 1
    RESTRICTED = 2


@dataclass(frozen=True, slots=True)
class Label:
    integrity: Integrity
    confidentiality: Confidentiality

    def join(self, other: "Label") -> "Label":
        """The label of text made from both: the lower integrity, the higher confidentiality."""
        return Label(
            min(self.integrity, other.integrity),
            max(self.confidentiality, other.confidentiality),
        )


SYSTEM_TEXT = Label(Integrity.SYSTEM, Confidentiality.PUBLIC)


def label_of_collection(collection: Collection) -> Label:
    """Saved web pages are anybody's words; other uploads are a member's."""
    if collection is Collection.WEB:
        return Label(Integrity.EXTERNAL, Confidentiality.SPACE)
    return Label(Integrity.MEMBER, Confidentiality.SPACE)


def is_external(collection: Collection) -> bool:
    """Whether outsiders could have written what stands in the collection."""
    return label_of_collection(collection).integrity is Integrity.EXTERNAL


def joined(labels: Iterable[Label]) -> Label:
    """Join all; nothing at all is system text."""
    result = SYSTEM_TEXT
    for label in labels:
        result = result.join(label)
    return result
