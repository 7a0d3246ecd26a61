"""A run that has used up its tokens."""

from domain.errors import QuotaExceeded


class BudgetSpent(QuotaExceeded):
    reason = "BUDGET_SPENT"

    def __init__(self, tokens: int) -> None:
        super().__init__(
            f"over {tokens:,} tokens of prompts and answers",
            metadata={"budget_tokens": str(tokens)},
        )
