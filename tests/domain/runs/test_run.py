"""A question, checked and told apart from every other."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.identifiers import ConversationId, DocumentId
from domain.runs.event import RunCompleted, RunEvent, TokenBatch
from domain.runs.run import (
    MAX_QUESTION_CHARACTERS,
    MAX_REFERENCED_DOCUMENTS,
    Question,
    TerminationReason,
)
from fixtures.making import NOON

ID = UUID("00000000-0000-7000-8000-000000000001")
_QUESTIONS = st.builds(
    Question,
    agent=st.sampled_from(["seo", "seo\x1fWhy?", ""]),
    text=st.sampled_from(["Why?", "Why?\x1fNone", '", "', f"Why?\x1f{ID}", "\x1f?"]),
    conversation_id=st.none() | st.just(ConversationId(ID)),
    document_ids=st.lists(st.just(DocumentId(ID)), max_size=2).map(tuple),
)


@pytest.mark.parametrize(
    "text", ["", "   ", "\n\t", "Why\x00?", "x" * (MAX_QUESTION_CHARACTERS + 1)]
)
def test_a_text_that_is_no_question_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Question(agent="seo", text=text)
    assert refusal.value.field == "question"


def test_too_many_documents_are_refused() -> None:
    documents = (DocumentId(ID),) * (MAX_REFERENCED_DOCUMENTS + 1)
    with pytest.raises(InvalidInput) as refusal:
        Question(agent="seo", text="Why?", document_ids=documents)
    assert refusal.value.field == "document_ids"


def test_what_lies_on_the_limit_is_accepted() -> None:
    documents = (DocumentId(ID),) * MAX_REFERENCED_DOCUMENTS
    question = Question(agent="seo", text="x" * MAX_QUESTION_CHARACTERS, document_ids=documents)
    assert len(question.fingerprint()) == 64


@given(one=_QUESTIONS, other=_QUESTIONS)
def test_only_the_same_question_has_the_same_fingerprint(one: Question, other: Question) -> None:
    assert (one.fingerprint() == other.fingerprint()) == (one == other)


def test_only_completion_is_the_last_event() -> None:
    completed = RunCompleted(reason=TerminationReason.COMPLETE)
    assert RunEvent(sequence=1, create_time=NOON, kind=completed).is_last
    assert not RunEvent(sequence=1, create_time=NOON, kind=TokenBatch(text="x")).is_last
