"""Argon2id (RFC 9106) in threads of its own, so that signing in never holds the event loop."""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from domain.auth.password import HashingBusy

T = TypeVar("T")
_SALT_BYTES, _HASH_BYTES = 16, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon2Cost:
    """What one hash costs. The defaults take about 0.1 s, above the least that OWASP advises.

    Source: OWASP Password Storage Cheat Sheet (19 MiB and two passes, one lane, at least).
    """

    memory_kib: int = 64 * 1024
    passes: int = 2
    lanes: int = 1


class Argon2PasswordHasher:
    """At most `at_once` hashes are computed side by side, and `waiting` more wait for their turn.

    So the memory is at most `at_once` times that of one hash, whoever knocks how often.
    """

    def __init__(
        self, *, cost: Argon2Cost | None = None, at_once: int = 2, waiting: int = 64
    ) -> None:
        chosen = cost or Argon2Cost()
        self._argon2 = PasswordHasher(
            time_cost=chosen.passes,
            memory_cost=chosen.memory_kib,
            parallelism=chosen.lanes,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
            type=Type.ID,
        )
        self._nobody = _hash_of_nothing(chosen)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="argon2")
        self._room = at_once + waiting
        self._inside = 0

    def close(self) -> None:
        """Let what has begun end, and begin nothing more."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def hash(self, password: str) -> str:
        return await self._in_thread(lambda: self._argon2.hash(_bytes(password)))

    async def verify(self, password: str, kept: str | None) -> bool:
        return await self._in_thread(lambda: self._verify(_bytes(password), kept))

    def outdated(self, kept: str) -> bool:
        try:
            return self._argon2.check_needs_rehash(kept)
        except InvalidHashError:
            return True

    def _verify(self, password: bytes, kept: str | None) -> bool:
        try:
            return self._argon2.verify(kept or self._nobody, password)
        except InvalidHashError:
            return self._verify(password, None)
        except VerificationError:
            return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._inside >= self._room:
            raise HashingBusy
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._inside -= 1


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def _hash_of_nothing(cost: Argon2Cost) -> str:
    """A hash that no password has, for as much work as one that some password has."""
    salt, digest = (
        b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
        for size in (_SALT_BYTES, _HASH_BYTES)
    )
    return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${salt}${digest}"
