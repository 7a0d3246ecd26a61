"""A sealer that keeps what it was given and hands out receipts, as a remote vault would."""

from secrets import token_bytes

from domain.auth.sealing import MasterKeyWrong, SealBroken

_ID_BYTES = 8


class MemorySealer:
    def __init__(self) -> None:
        self._id = token_bytes(_ID_BYTES)
        self._kept: dict[bytes, tuple[bytes, str]] = {}

    async def seal(self, plain: bytes, *, purpose: str) -> bytes:
        receipt = self._id + token_bytes(16)
        self._kept[receipt] = (plain, purpose)
        return receipt

    async def open(self, sealed: bytes, *, purpose: str) -> bytes:
        if len(sealed) < _ID_BYTES:
            raise SealBroken(purpose)
        if sealed[:_ID_BYTES] != self._id:
            raise MasterKeyWrong(wanted=sealed[:_ID_BYTES].hex(), given=self._id.hex())
        plain, bound_to = self._kept.get(sealed, (b"", None))
        if bound_to != purpose:
            raise SealBroken(purpose)
        return plain
