"""What a conversation remembers of the turns that no longer fit its window."""

from dataclasses import dataclass

from domain.identifiers import MessageId, RunId
from domain.safety.provenance import Confidentiality, Integrity, Label

# Agents read what outsiders wrote, and answers are part of what is summed up.
SUMMARY_LABEL = Label(Integrity.EXTERNAL, Confidentiality.SPACE)
# A summary is a row that every turn reads.
MAX_SUMMARY_CHARACTERS = 8_000
EXTRACTED = "extract"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Covers every turn up to `last_run_id`, the last message of which is `last_message_id`.

    `version` counts from 1 in each conversation. `mark` is a nonce made after the text was, so that
    nothing in the text can name it: the text stands between two of it wherever a model reads it.
    `author` is the model that wrote it, or EXTRACTED. Its label is SUMMARY_LABEL, always.
    """

    text: str
    mark: str
    author: str
    version: int
    last_run_id: RunId
    last_message_id: MessageId

    def __post_init__(self) -> None:
        if self.version < 1:
            raise ValueError(f"versions of a summary count from 1, not {self.version}")
        if not self.mark or self.mark in self.text:
            raise ValueError("a summary's mark is a nonce that its text does not hold")
        if len(self.text) > MAX_SUMMARY_CHARACTERS:
            raise ValueError(f"a summary has at most {MAX_SUMMARY_CHARACTERS} characters")
