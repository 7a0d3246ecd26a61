"""Passwords hashed as if by something slow, without its cost. For tests and examples."""

import itertools
from hashlib import sha256
from hmac import compare_digest


class QuickPasswordHasher:
    """`generation` stands for the parameters; `verified` counts how often work was done."""

    def __init__(self, *, generation: int = 1) -> None:
        self._generation = generation
        self._salts = itertools.count(1)
        self.verified = 0

    async def hash(self, password: str) -> str:
        return self._hash(password, self._generation, next(self._salts))

    async def verify(self, password: str, kept: str | None) -> bool:
        self.verified += 1
        try:
            generation, salt, _ = (kept or "0$0$").split("$")
            expected = self._hash(password, int(generation), int(salt))
        except ValueError:
            return False
        return compare_digest(expected, kept or "")

    def outdated(self, kept: str) -> bool:
        return not kept.startswith(f"{self._generation}$")

    def _hash(self, password: str, generation: int, salt: int) -> str:
        text = f"{generation}${salt}${password}".encode("utf-8", "surrogatepass")
        return f"{generation}${salt}${sha256(text).hexdigest()}"
