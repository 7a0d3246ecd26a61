"""RS256 access tokens, signed and verified in this process."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from adapters.crypto import jws, payload
from adapters.crypto.signing_key import RsaKey, new_pair, read_pair
from adapters.crypto.token_verifier import TokenVerifier, TrustedKey
from application.ports.clock import Clock
from domain.auth.claims import Claims, TokenTooLong
from domain.auth.key_rotation import KeyChain, KeyPolicy
from domain.auth.signing_key import KeyPair, KeysNotKnown, SigningKeyUnusable

# A token of 4 KB and what it says take some 20 KB: 40 MB when each is that large.
_REMEMBERED = 2048


class Rs256TokenSigner:
    """Knows no key, and so refuses everything, until it has learned some."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        clock: Clock,
        policy: KeyPolicy,
        remembered: int = _REMEMBERED,
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._policy = policy
        self._chain = KeyChain(policy=policy)
        self._keys: dict[str, RsaKey] = {}
        self._fresh_until = clock.monotonic()
        self._verifier = TokenVerifier(
            issuer=issuer,
            audience=audience,
            leeway=policy.skew.total_seconds(),
            capacity=remembered,
        )

    def sign(self, claims: Claims) -> str:
        if claims.expire_time - claims.issue_time > self._policy.token_life:
            raise TokenTooLong(f"a token lives for {self._policy.token_life} at most")
        key = self._active()
        said = payload.written(claims, issuer=self._issuer, audience=self._audience)
        token = jws.encode(said, key)
        if len(token) > jws.MOST_CHARACTERS:
            reference = replace(claims, spaces=None)
            said = payload.written(reference, issuer=self._issuer, audience=self._audience)
            token = jws.encode(said, key)
        if len(token) > jws.MOST_CHARACTERS:
            raise TokenTooLong(f"a token has {jws.MOST_CHARACTERS} characters at most")
        return token

    def verify(self, token: str) -> Claims:
        return self._verifier.verify(token, self._clock.now().timestamp())

    async def learn(self, keys: Sequence[KeyPair], chain: KeyChain, *, fresh_until: float) -> None:
        known = {pair.public.kid: await self._read(pair) for pair in keys}
        missing = [times.kid for times in chain.keys if times.kid not in known]
        if missing:
            raise SigningKeyUnusable(f"the signing keys {', '.join(missing)} were not given")
        self._chain, self._keys, self._fresh_until = chain, known, fresh_until
        self._verifier.trust(
            {w.kid: TrustedKey.of(known[w.kid], w, chain.policy) for w in chain.windows()}
        )

    async def new_key(self) -> KeyPair:
        return await asyncio.to_thread(new_pair)

    async def _read(self, pair: KeyPair) -> RsaKey:
        if pair.public.kid in self._keys:
            return self._keys[pair.public.kid]
        return await asyncio.to_thread(read_pair, pair)

    def _active(self) -> RsaKey:
        """The key whose turn it is.

        A successor is published for longer than this knowledge is used, so none is overlooked.
        """
        if self._clock.monotonic() >= self._fresh_until:
            raise KeysNotKnown
        times = self._chain.signer(self._clock.now())
        if times is None:
            raise KeysNotKnown
        return self._keys[times.kid]
