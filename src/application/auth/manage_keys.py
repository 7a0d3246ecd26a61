"""What is told of the signing keys: to everybody the public halves, to operators their windows."""

from dataclasses import dataclass

from application.auth.keys import Keyring
from application.context import RequestContext
from application.ports.clock import Clock
from domain.auth.claims import require_operator
from domain.auth.key_rotation import KeyPhase, KeyPolicy, KeyWindow
from domain.auth.signing_key import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStanding:
    """A key's window, and where the key is in it."""

    window: KeyWindow
    phase: KeyPhase


class ManageKeys:
    def __init__(self, *, keyring: Keyring, clock: Clock, policy: KeyPolicy) -> None:
        self._keyring = keyring
        self._clock = clock
        self._policy = policy

    def jwks(self) -> tuple[PublicKey, ...]:
        """The keys that verify access tokens now or soon; needs no query and no caller."""
        return self._keyring.published()

    async def list(self, context: RequestContext) -> tuple[KeyStanding, ...]:
        """Every key that is not gone, oldest first.

        Raises:
            OperatorOnly: the caller does not run this installation.
        """
        require_operator(context.claims)
        await self._keyring.look()
        now = self._clock.now()
        kept = self._keyring.chain.without_gone(now)
        return tuple(self._standing(window) for window in kept.windows())

    async def rotate(self, context: RequestContext) -> KeyStanding:
        """Make the next key the active one, as soon as every process knows it.

        Asking again while it is on its way changes nothing, and gives the same key.

        Raises:
            OperatorOnly: the caller does not run this installation.
        """
        require_operator(context.claims)
        return self._standing(await self._keyring.rotate())

    def _standing(self, window: KeyWindow) -> KeyStanding:
        return KeyStanding(window=window, phase=window.phase(self._clock.now(), self._policy))
