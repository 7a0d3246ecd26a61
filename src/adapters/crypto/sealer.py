"""AES-256-GCM under a master key: version, the master key's id, nonce, then what is sealed."""

import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.crypto.master_key import ID_BYTES, MasterKey
from domain.auth.sealing import MasterKeyWrong, SealBroken

_VERSION = 1
_NONCE_BYTES = 12
_HEAD = struct.Struct(f"!B{ID_BYTES}s{_NONCE_BYTES}s")


class AesGcmSealer:
    def __init__(self, master: MasterKey) -> None:
        self._master = master
        self._cipher = AESGCM(master.secret)

    async def seal(self, plain: bytes, *, purpose: str) -> bytes:
        head = _HEAD.pack(_VERSION, self._master.key_id, os.urandom(_NONCE_BYTES))
        return head + self._cipher.encrypt(head[-_NONCE_BYTES:], plain, _bound(head, purpose))

    async def open(self, sealed: bytes, *, purpose: str) -> bytes:
        if len(sealed) < _HEAD.size or sealed[0] != _VERSION:
            raise SealBroken(purpose)
        head = sealed[: _HEAD.size]
        _, key_id, nonce = _HEAD.unpack(head)
        if key_id != self._master.key_id:
            raise MasterKeyWrong(wanted=key_id.hex(), given=self._master.key_id.hex())
        try:
            return self._cipher.decrypt(nonce, sealed[_HEAD.size :], _bound(head, purpose))
        except InvalidTag:
            raise SealBroken(purpose) from None


def _bound(head: bytes, purpose: str) -> bytes:
    """The associated data: nothing of the head can be exchanged, and no seal used for another."""
    return b"obelisk:" + head + purpose.encode()
