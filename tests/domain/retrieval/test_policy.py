"""How long an enhancement is waited for, and what a retrieval may not be told."""

import pytest

from domain.documents.document import Collection
from domain.retrieval.policy import EnhancementPolicy, RetrievalConfig

HERE = frozenset({Collection.GENERAL})


@pytest.mark.parametrize(
    ("spent", "needed", "patience"),
    [
        (0.0, True, 0.25),
        (0.1, True, 0.15),
        (0.1, False, 0.025),
        (0.24, False, 0.01),
        (0.3, True, 0.0),
        (0.3, False, 0.0),
    ],
)
def test_only_a_question_that_needs_it_gets_the_whole_budget(
    spent: float, needed: bool, patience: float
) -> None:
    assert EnhancementPolicy().patience(spent=spent, needed=needed) == pytest.approx(patience)


def test_without_a_budget_there_is_no_patience() -> None:
    policy = EnhancementPolicy(budget_seconds=0.0)
    assert policy.patience(spent=0.0, needed=True) == 0.0


def test_a_budget_that_nobody_would_wait_for_is_refused() -> None:
    for seconds in (-0.1, 11.0):
        with pytest.raises(ValueError, match="budget"):
            EnhancementPolicy(budget_seconds=seconds)
    with pytest.raises(ValueError, match="patience"):
        EnhancementPolicy(patience_seconds=-1.0)
    with pytest.raises(ValueError, match="weight"):
        EnhancementPolicy(weight=0.0)


def test_every_number_of_a_retrieval_counts_from_one() -> None:
    with pytest.raises(ValueError, match="per_document"):
        RetrievalConfig(collections=HERE, per_document=0)
