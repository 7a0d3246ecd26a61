"""The machine's own chance."""

import secrets
from uuid import UUID

from uuid_utils.compat import uuid7


class SystemEntropy:
    def uuid(self) -> UUID:
        return uuid7()

    def nonce(self) -> str:
        return secrets.token_hex(8)

    def secret(self) -> str:
        return secrets.token_urlsafe(32)
