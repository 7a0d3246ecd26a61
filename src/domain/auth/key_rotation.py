"""When a signing key is published, signs, only verifies and is gone: pure functions of time.

    publish ---- lead ----> activate ----------> retire ---- token life + skew ----> gone
    NEXT                    ACTIVE               RETIRED

A key retires at the moment its successor begins to sign, so exactly one signs at any time: the
last whose time has come. The first key may sign at once, for nobody has a key that it replaces.
While no successor is known the last key signs on, however long nobody was there to make one.
The clocks of any two processes may differ by `skew`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise

LONGEST_TOKEN_LIFE = timedelta(days=1)


class KeyPhase(Enum):
    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPolicy:
    """How long each part of a key's life is.

    `period` is the time from one scheduled activation to the next, `lead` how long a scheduled
    successor is published before it signs, and `forced_lead` the same when somebody asks for it:
    long enough for every process to have looked.
    """

    period: timedelta = timedelta(days=90)
    lead: timedelta = timedelta(days=1)
    forced_lead: timedelta = timedelta(seconds=10)
    token_life: timedelta = timedelta(minutes=15)
    skew: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        if not timedelta(0) < self.forced_lead <= self.lead < self.period:
            raise ValueError(
                "a forced lead is above zero, at most the lead, and that under a period"
            )
        if not timedelta(0) < self.token_life <= LONGEST_TOKEN_LIFE:
            raise ValueError(f"a token lives at most {LONGEST_TOKEN_LIFE}, not {self.token_life}")
        if self.skew < timedelta(0):
            raise ValueError(f"clocks cannot differ by {self.skew}")

    @property
    def kept(self) -> timedelta:
        """How long after its last signature a key still verifies."""
        return self.token_life + self.skew


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTimes:
    """What is decided about a key; when it retires is its successor's to say."""

    kid: str
    publish_time: datetime
    activate_time: datetime

    def __post_init__(self) -> None:
        if self.activate_time < self.publish_time:
            raise ValueError(f"the key {self.kid} would sign before it is published")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWindow:
    """A key's life as it stands; `retire_time` is None while no successor is known."""

    kid: str
    publish_time: datetime
    activate_time: datetime
    retire_time: datetime | None

    def phase(self, now: datetime, policy: KeyPolicy) -> KeyPhase:
        """Where the key is at `now`."""
        if now < self.activate_time:
            return KeyPhase.NEXT
        if self.retire_time is None or now < self.retire_time:
            return KeyPhase.ACTIVE
        return KeyPhase.RETIRED if now < self.retire_time + policy.kept else KeyPhase.GONE

    def opens(self, policy: KeyPolicy) -> datetime:
        """Since when its signatures are believed: a signer's clock may be ahead of ours."""
        return self.activate_time - policy.skew

    def last_signature(self, policy: KeyPolicy) -> datetime | None:
        """When it has signed for the last time by the slowest clock; None without a successor."""
        return None if self.retire_time is None else self.retire_time + policy.skew

    def closes(self, policy: KeyPolicy) -> datetime | None:
        """From when on its signatures are worth nothing; None without a successor."""
        return None if self.retire_time is None else self.retire_time + policy.kept

    def verifies(self, issued: datetime, now: datetime, policy: KeyPolicy) -> bool:
        """Whether a signature that says it was made at `issued` is to be believed at `now`."""
        last, closes = self.last_signature(policy), self.closes(policy)
        return (
            self.opens(policy) <= min(issued, now)
            and (last is None or issued <= last)
            and (closes is None or now < closes)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChain:
    """All keys that are not forgotten, in the order in which they begin to sign."""

    policy: KeyPolicy
    keys: tuple[KeyTimes, ...] = ()

    def __post_init__(self) -> None:
        starts = [key.activate_time for key in self.keys]
        if any(later <= earlier for earlier, later in pairwise(starts)):
            raise ValueError("two signing keys begin at once, or stand in the wrong order")
        if len({key.kid for key in self.keys}) < len(self.keys):
            raise ValueError("a signing key stands twice")

    def windows(self) -> tuple[KeyWindow, ...]:
        """Each key's life, in order."""
        ends = [*(key.activate_time for key in self.keys[1:]), None]
        return tuple(
            KeyWindow(
                kid=key.kid,
                publish_time=key.publish_time,
                activate_time=key.activate_time,
                retire_time=end,
            )
            for key, end in zip(self.keys, ends if self.keys else (), strict=True)
        )

    def signer(self, now: datetime) -> KeyTimes | None:
        """The key that signs at `now`; None only while there is no key at all.

        Before the first key's moment it is the first: another process's clock was ahead of ours.
        """
        begun = [key for key in self.keys if key.activate_time <= now] or self.keys[:1]
        return begun[-1] if begun else None

    def wanted(self, now: datetime, *, forced: bool = False) -> datetime | None:
        """When a key that has to be made now would begin to sign; None when none has to be made."""
        if not self.keys:
            return now
        last = self.keys[-1]
        if last.activate_time > now:
            return None
        moment = self._moment(last, now, forced=forced)
        early = self.policy.forced_lead if forced else self.policy.lead
        return moment if now >= moment - early else None

    def with_key(self, kid: str, now: datetime, *, forced: bool = False) -> "KeyChain":
        """This chain and a new key, published now. Raises ValueError when none is wanted."""
        moment = self.wanted(now, forced=forced)
        if moment is None:
            raise ValueError("no signing key is wanted now")
        new = KeyTimes(kid=kid, publish_time=now, activate_time=moment)
        return replace(self, keys=(*self.keys, new))

    def hastened(self, now: datetime, *, forced: bool = False) -> "KeyChain":
        """The same keys; a successor that waits for longer than it has to begins sooner."""
        if len(self.keys) < 2 or self.keys[-1].activate_time <= now:
            return self
        before, last = self.keys[-2:]
        # Later than any right clock can say: whoever published it had a wrong one.
        published = min(last.publish_time, now + self.policy.skew)
        moment = max(
            self._moment(before, now, forced=forced),
            max(published, before.activate_time) + self.policy.forced_lead,
        )
        if moment >= last.activate_time:
            return self
        sooner = replace(last, publish_time=published, activate_time=moment)
        return replace(self, keys=(*self.keys[:-1], sooner))

    def without_gone(self, now: datetime) -> "KeyChain":
        """The keys that are still of use."""
        gone = {w.kid for w in self.windows() if w.phase(now, self.policy) is KeyPhase.GONE}
        return replace(self, keys=tuple(key for key in self.keys if key.kid not in gone))

    def _moment(self, active: KeyTimes, now: datetime, *, forced: bool) -> datetime:
        """When the successor of `active` begins, if it is published now."""
        if forced:
            return now + self.policy.forced_lead
        return max(active.activate_time + self.policy.period, now + self.policy.lead)
