"""The signing keys of this process: kept in step with all others, and rotated when it is time."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from math import inf

from application.ports.clock import Clock
from application.ports.key_store import KeyStore
from application.ports.sealer import Sealer
from application.ports.token_signer import TokenSigner
from domain.auth.key_rotation import KeyChain, KeyPolicy, KeyTimes, KeyWindow
from domain.auth.signing_key import KeyPair, PublicKey, SealedKey
from domain.errors import Unavailable

_TROUBLE = "the signing keys cannot be looked at (%s); those known before stay"
_log = logging.getLogger(__name__)
_LONGEST_POLL = 1.0
_LOOKS_IN_A_LEAD = 4
_AT_MOST_EVERY = 1.0


class Keyring:
    """Teaches a signer the installation's keys, and looks for others every second.

    Every process does so and each of them may rotate; the store lets one of them do it.
    """

    def __init__(
        self,
        *,
        store: KeyStore,
        sealer: Sealer,
        signer: TokenSigner,
        clock: Clock,
        policy: KeyPolicy,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._signer = signer
        self._clock = clock
        self._policy = policy
        self._loading = asyncio.Lock()
        self._looked = -inf
        self._pairs: dict[str, KeyPair] = {}
        self._chain = KeyChain(policy=policy)
        self._keeper: asyncio.Task[None] | None = None

    @property
    def chain(self) -> KeyChain:
        """What this process knows of the keys."""
        return self._chain

    def published(self) -> tuple[PublicKey, ...]:
        """Every key whose signatures are to be believed now or soon."""
        useful = self._chain.without_gone(self._clock.now())
        return tuple(self._pairs[times.kid].public for times in useful.keys)

    async def start(self) -> None:
        """Know the keys, making the first when there is none; then keep watch until `close`.

        Raises:
            MasterKeyWrong, SealBroken, SigningKeyUnusable: the keys there are cannot be used.
            Unavailable: the store does not answer.
        """
        await self.look()
        # Owned here: cancelled and awaited in `close`.
        self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """Stop watching."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    async def refresh(self) -> None:
        """Look for new keys, unless somebody has within the last second."""
        asked = self._clock.monotonic()
        async with self._loading:
            if self._looked < asked - _AT_MOST_EVERY:
                self._looked = asked
                await self._learn(await self._store.all(), asked)

    async def look(self) -> None:
        """Learn the keys as they are now, and do what is due: a rotation, or forgetting."""
        async with self._loading:
            asked = self._clock.monotonic()
            keys = await self._store.all()
            if _due(_chain(keys, self._policy), self._clock.now()):
                asked, keys = await self._change(forced=False)
            await self._learn(keys, asked)

    async def rotate(self) -> KeyWindow:
        """Make the next key the active one as soon as every process knows it.

        Returns the key that signs next. While it is on its way, asking again gives the same.
        """
        async with self._loading:
            asked, keys = await self._change(forced=True)
            await self._learn(keys, asked)
        return self._chain.windows()[-1]

    async def _keep(self) -> None:
        pause = min(_LONGEST_POLL, self._policy.forced_lead.total_seconds() / _LOOKS_IN_A_LEAD)
        trouble = ""
        while True:
            await asyncio.sleep(pause)
            told, trouble = trouble, ""
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - whatever it is, the watch goes on
                trouble = repr(error)
                if trouble != told:
                    # Of a store that is away a traceback tells nothing more.
                    unforeseen = None if isinstance(error, Unavailable) else error
                    _log.error(_TROUBLE, error, exc_info=unforeseen)

    async def _learn(self, keys: Sequence[SealedKey], asked: float) -> None:
        """`asked` is when the store was asked: what came later may not be in `keys`."""
        chain = _chain(keys, self._policy)
        pairs = {key.public.kid: await self._opened(key) for key in keys}
        fresh_until = asked + self._policy.forced_lead.total_seconds()
        await self._signer.learn(tuple(pairs.values()), chain, fresh_until=fresh_until)
        self._pairs, self._chain, self._looked = pairs, chain, asked

    async def _opened(self, key: SealedKey) -> KeyPair:
        known = self._pairs.get(key.public.kid)
        if known is not None and known.public == key.public:
            return known
        # Only who has the master key can have made it: a row alone is not believed.
        private = await self._sealer.open(key.sealed_private, purpose=_purpose(key.public))
        return KeyPair(public=key.public, private=private)

    async def _change(self, *, forced: bool) -> tuple[float, tuple[SealedKey, ...]]:
        """Bring the store up to now; when it was asked, and the keys that are there.

        A new key takes long to make and may be unwanted once it is: so it is made only after the
        store has said that it is wanted, and the store is asked again.
        """
        made: SealedKey | None = None
        while True:
            change = _Change(policy=self._policy, clock=self._clock, forced=forced, made=made)
            asked = self._clock.monotonic()
            keys = await self._store.change(change.decide)
            if not change.lacks_key:
                return asked, keys
            made = await self._new_key()

    async def _new_key(self) -> SealedKey:
        pair = await self._signer.new_key()
        sealed = await self._sealer.seal(pair.private, purpose=_purpose(pair.public))
        now = self._clock.now()
        times = KeyTimes(kid=pair.public.kid, publish_time=now, activate_time=now)
        return SealedKey(times=times, public=pair.public, sealed_private=sealed)


class _Change:
    """What a change makes of the keys that it finds; `lacks_key` when it could not be whole."""

    def __init__(
        self, *, policy: KeyPolicy, clock: Clock, forced: bool, made: SealedKey | None
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._forced = forced
        self._made = made
        self.lacks_key = False

    def decide(self, keys: tuple[SealedKey, ...]) -> tuple[SealedKey, ...]:
        now, forced, made = self._clock.now(), self._forced, self._made
        known = {key.public.kid: key for key in keys}
        chain = _chain(keys, self._policy).without_gone(now).hastened(now, forced=forced)
        if chain.wanted(now, forced=forced) is not None:
            if made is None:
                self.lacks_key = True
            else:
                known[made.public.kid] = made
                chain = chain.with_key(made.public.kid, now, forced=forced)
        return tuple(replace(known[times.kid], times=times) for times in chain.keys)


def _chain(keys: Sequence[SealedKey], policy: KeyPolicy) -> KeyChain:
    return KeyChain(policy=policy, keys=tuple(key.times for key in keys))


def _due(chain: KeyChain, now: datetime) -> bool:
    kept = chain.without_gone(now).hastened(now)
    return kept != chain or chain.wanted(now) is not None


def _purpose(key: PublicKey) -> str:
    return f"signing key {key.kid}"
