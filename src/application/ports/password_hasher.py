from typing import Protocol


class PasswordHasher(Protocol):
    """Slow on purpose, and bounded in how much of it runs at once."""

    async def hash(self, password: str) -> str:
        """A text from which `verify` knows the password again; another one each time.

        Raises:
            HashingBusy: too many wait already.
        """
        ...

    async def verify(self, password: str, kept: str | None) -> bool:
        """Whether `kept` was made from `password`. None, or what is no hash at all, is False.

        It takes as long without a hash as with one of today's parameters. Raises HashingBusy.
        """
        ...

    def outdated(self, kept: str) -> bool:
        """Whether `kept` was made with other parameters than today's."""
        ...
