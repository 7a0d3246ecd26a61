"""Keyring: the keys of a process, kept in step with all others."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from adapters.crypto.token_signer import Rs256TokenSigner
from adapters.memory.clock import FixedClock
from adapters.memory.key_store import MemoryKeyStore
from adapters.memory.sealer import MemorySealer
from application.auth.keys import Keyring
from application.auth.manage_keys import ManageKeys
from application.context import Caller, RequestContext
from application.ports.key_store import KeysDecided, KeyStore
from domain.auth.claims import Claims, OperatorOnly, TokenRejected
from domain.auth.key_rotation import KeyPhase, KeyPolicy
from domain.auth.sealing import MasterKeyWrong, SealBroken
from domain.auth.signing_key import KeyPair, KeysNotKnown, SealedKey, SigningKeyUnusable
from domain.errors import Unavailable
from domain.identifiers import UserId
from fixtures.house import claims_of
from fixtures.keys import pair
from fixtures.making import NOON, new_id

POLICY = KeyPolicy(token_life=timedelta(hours=1))
QUICK = replace(POLICY, forced_lead=timedelta(milliseconds=40))


class CountingStore:
    """A store in memory that says how often it was asked, and that can be away."""

    def __init__(self) -> None:
        self.kept = MemoryKeyStore()
        self.asked = 0
        self.away = False

    async def all(self) -> tuple[SealedKey, ...]:
        self.asked += 1
        if self.away:
            raise Unavailable("away")
        return await self.kept.all()

    async def change(self, decide: KeysDecided) -> tuple[SealedKey, ...]:
        return await self.kept.change(decide)


class ReadyKeys(Rs256TokenSigner):
    """The signer, with keys made before: pair 0, pair 1 and so on."""

    numbers = 0

    async def new_key(self) -> KeyPair:
        self.numbers += 1
        await asyncio.sleep(0)
        return pair(self.numbers - 1)


@dataclass(kw_only=True)
class Process:
    """A process of an installation; `store`, `sealer` and `clock` may be another's too."""

    store: KeyStore = field(default_factory=MemoryKeyStore)
    sealer: MemorySealer = field(default_factory=MemorySealer)
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON))
    policy: KeyPolicy = POLICY

    def __post_init__(self) -> None:
        self.signer = ReadyKeys(
            issuer="us", audience="us", clock=self.clock, policy=self.policy, remembered=16
        )
        self.keyring = Keyring(
            store=self.store,
            sealer=self.sealer,
            signer=self.signer,
            clock=self.clock,
            policy=self.policy,
        )

    def beside(self) -> "Process":
        """Another process on the same database."""
        other = replace(self)
        other.signer.numbers = 10
        return other

    def token(self) -> str:
        return self.signer.sign(replace(claims_of(USER), issue_time=self.clock.now()))

    def kids(self) -> list[str]:
        return [key.kid for key in self.keyring.published()]


USER = UserId(new_id())
FIRST, SECOND = pair(0).public.kid, pair(1).public.kid


def _claims(process: Process, token: str) -> Claims:
    return process.signer.verify(token)


async def test_the_first_process_makes_the_first_key_and_signs_at_once() -> None:
    process = Process()
    await process.keyring.look()
    assert process.kids() == [FIRST]
    assert _claims(process, process.token()).subject == USER


async def test_a_second_process_uses_the_key_that_is_there() -> None:
    first = Process()
    await first.keyring.look()
    second = first.beside()
    await second.keyring.look()
    assert second.kids() == first.kids() == [FIRST]
    assert _claims(second, first.token()) == _claims(first, second.token())
    assert second.signer.numbers == 10


async def test_processes_that_start_at_once_end_with_one_key() -> None:
    first = Process()
    others = [first.beside() for _ in range(3)]
    for number, other in enumerate(others):
        other.signer.numbers = 1 + number
    everyone = [first, *others]
    await asyncio.gather(*(process.keyring.look() for process in everyone))
    assert len({tuple(process.kids()) for process in everyone}) == 1
    assert len(await first.store.all()) == 1


async def test_a_forced_rotation_is_known_everywhere_before_its_first_signature() -> None:
    first = Process()
    second = first.beside()
    for process in (first, second):
        await process.keyring.look()
    window = await first.keyring.rotate()
    assert window.kid == SECOND
    assert window.activate_time == NOON + POLICY.forced_lead
    await second.keyring.look()
    before = [first.token(), second.token()]
    first.clock.advance(9)
    await first.keyring.look()
    await second.keyring.look()
    first.clock.advance(1)
    after = [first.token(), second.token()]
    for process in (first, second):
        assert process.kids() == [FIRST, SECOND]
        for token in (*before, *after):
            assert _claims(process, token).subject == USER
    assert before != after


async def test_rotations_asked_for_at_once_make_one_key() -> None:
    first = Process()
    second = first.beside()
    for process in (first, second):
        await process.keyring.look()
    windows = await asyncio.gather(*(p.keyring.rotate() for p in (first, second, first, second)))
    assert len(set(windows)) == 1
    assert len(await first.store.all()) == 2
    first.clock.advance(5)
    assert await second.keyring.rotate() == windows[0]


async def test_a_key_is_replaced_by_itself_when_its_time_has_come() -> None:
    process = Process()
    await process.keyring.look()
    process.clock.advance((POLICY.period - POLICY.lead).total_seconds() - 1)
    await process.keyring.look()
    assert process.kids() == [FIRST]
    process.clock.advance(1)
    await process.keyring.look()
    assert process.kids() == [FIRST, SECOND]
    old = process.token()
    process.clock.advance(POLICY.lead.total_seconds())
    await process.keyring.look()
    assert old.split(".")[0] != process.token().split(".")[0]
    process.clock.advance(POLICY.kept.total_seconds())
    assert process.kids() == [SECOND]
    await process.keyring.look()
    assert [key.public.kid for key in await process.store.all()] == [SECOND]


async def test_an_unknown_key_is_looked_for_at_most_once_a_second() -> None:
    store = CountingStore()
    first = Process(store=store)
    second = first.beside()
    await first.keyring.look()
    with pytest.raises(TokenRejected) as refusal:
        _claims(second, first.token())
    assert refusal.value.key_unknown
    asked = store.asked
    await asyncio.gather(*(second.keyring.refresh() for _ in range(20)))
    assert store.asked == asked + 1
    assert _claims(second, first.token()).subject == USER
    second.clock.advance(1)
    await second.keyring.refresh()
    assert store.asked == asked + 1
    second.clock.advance(0.1)
    await second.keyring.refresh()
    assert store.asked == asked + 2


async def test_a_store_that_is_away_is_not_asked_by_every_unknown_key() -> None:
    store = CountingStore()
    process = Process(store=store)
    await process.keyring.look()
    store.away, asked = True, store.asked
    process.clock.advance(2)
    with pytest.raises(Unavailable):
        await process.keyring.refresh()
    for _ in range(5):
        await process.keyring.refresh()
    assert store.asked == asked + 1


async def test_without_the_store_tokens_are_verified_and_soon_no_more_signed() -> None:
    store = CountingStore()
    process = Process(store=store)
    await process.keyring.look()
    token = process.token()
    store.away = True
    process.clock.advance(POLICY.forced_lead.total_seconds())
    with pytest.raises(Unavailable):
        await process.keyring.look()
    with pytest.raises(KeysNotKnown):
        process.token()
    assert _claims(process, token).subject == USER
    store.away = False
    await process.keyring.look()
    assert _claims(process, process.token()).subject == USER


async def test_another_master_key_stops_a_start() -> None:
    first = Process()
    await first.keyring.look()
    stranger = Process(store=first.store, clock=first.clock)
    with pytest.raises(MasterKeyWrong):
        await stranger.keyring.start()
    await stranger.keyring.close()


async def test_a_row_that_no_master_key_has_sealed_is_not_believed() -> None:
    process = Process()
    await process.keyring.look()
    (real,) = await process.store.all()
    forged = replace(
        real,
        public=pair(1).public,
        times=replace(real.times, kid=SECOND, activate_time=NOON + timedelta(seconds=1)),
    )
    await process.store.change(lambda keys: (*keys, forged))
    with pytest.raises(SealBroken):
        await process.keyring.look()
    assert process.kids() == [FIRST]


async def test_a_sealed_key_under_another_name_is_not_believed() -> None:
    process = Process()
    await process.keyring.look()
    (real,) = await process.store.all()
    purpose = f"signing key {SECOND}"
    forged = SealedKey(
        times=replace(real.times, kid=SECOND, activate_time=NOON + timedelta(seconds=1)),
        public=pair(1).public,
        sealed_private=await process.sealer.seal(pair(0).private, purpose=purpose),
    )
    await process.store.change(lambda keys: (*keys, forged))
    with pytest.raises(SigningKeyUnusable):
        await process.keyring.look()
    assert _claims(process, process.token()).subject == USER


async def test_a_process_on_watch_learns_of_a_rotation_by_itself() -> None:
    first = Process(policy=QUICK)
    second = first.beside()
    await first.keyring.start()
    await second.keyring.start()
    try:
        await first.keyring.rotate()
        await _eventually(lambda: len(second.kids()) == 2)
    finally:
        await first.keyring.close()
        await second.keyring.close()
    assert second.kids() == first.kids() == [FIRST, SECOND]


async def test_the_watch_goes_on_after_trouble_and_tells_it_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = CountingStore()
    process = Process(store=store, policy=QUICK)
    await process.keyring.start()
    with caplog.at_level(logging.ERROR, logger="application.auth.keys"):
        store.away, asked = True, store.asked
        await _eventually(lambda: store.asked >= asked + 3)
        store.away = False
        await _eventually(lambda: store.asked >= asked + 6)
    await process.keyring.close()
    assert len(caplog.records) == 1
    assert "(away)" in caplog.text
    assert "Traceback" not in caplog.text
    assert process.kids() == [FIRST]


async def test_closing_ends_the_watch() -> None:
    store = CountingStore()
    process = Process(store=store, policy=QUICK)
    await process.keyring.start()
    await process.keyring.close()
    asked = store.asked
    await asyncio.sleep(0.05)
    assert store.asked == asked


async def _eventually(condition: Callable[[], bool]) -> None:
    """Within ten seconds."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it has not come to pass")


def _context(*, operator: bool) -> RequestContext:
    claims = replace(claims_of(USER), operator=operator)
    return RequestContext(claims=claims, caller=Caller(correlation_id="test"))


def _manage(process: Process) -> ManageKeys:
    return ManageKeys(keyring=process.keyring, clock=process.clock, policy=process.policy)


async def test_only_an_operator_sees_the_windows_and_rotates() -> None:
    process = Process()
    await process.keyring.look()
    manage = _manage(process)
    for refused in (manage.list, manage.rotate):
        with pytest.raises(OperatorOnly) as refusal:
            await refused(_context(operator=False))
        assert refusal.value.reason == "OPERATOR_ONLY"
    assert len(await process.store.all()) == 1


async def test_an_operator_rotates_and_lists_the_keys_of_every_process() -> None:
    first = Process()
    second = first.beside()
    for process in (first, second):
        await process.keyring.look()
    rotated = await _manage(first).rotate(_context(operator=True))
    assert (rotated.window.kid, rotated.phase) == (SECOND, KeyPhase.NEXT)
    listed = await _manage(second).list(_context(operator=True))
    assert [(key.window.kid, key.phase) for key in listed] == [
        (FIRST, KeyPhase.ACTIVE),
        (SECOND, KeyPhase.NEXT),
    ]
    assert listed[0].window.retire_time == listed[1].window.activate_time
    first.clock.advance(10)
    listed = await _manage(second).list(_context(operator=True))
    assert [key.phase for key in listed] == [KeyPhase.RETIRED, KeyPhase.ACTIVE]
    first.clock.advance(POLICY.kept.total_seconds())
    assert [key.kid for key in _manage(first).jwks()] == [SECOND]


async def test_everybody_may_see_the_public_halves() -> None:
    process = Process()
    await process.keyring.look()
    assert _manage(process).jwks() == (pair(0).public,)
