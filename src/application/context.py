"""Who asks, from where, under which correlation id: the first argument of every use case."""

from dataclasses import dataclass

from domain.auth.claims import Claims
from domain.errors import InvalidInput
from domain.identifiers import SpaceId, UserId
from domain.tenancy.access import Action, SpaceAccess, require


class SpaceHeaderMissing(InvalidInput):
    reason = "SPACE_HEADER_MISSING"

    def __init__(self) -> None:
        super().__init__("name the space in the header 'x-space-id', as a UUID", field="x-space-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Where a call comes from, known before who makes it. `address` is empty when unknown."""

    correlation_id: str
    address: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """`space` is resolved once a request, and only for calls that need it."""

    claims: Claims
    caller: Caller
    space: SpaceAccess | None = None

    @property
    def correlation_id(self) -> str:
        return self.caller.correlation_id

    @property
    def user_id(self) -> UserId:
        return self.claims.subject

    def space_for(self, action: Action) -> SpaceId:
        """The request's space, once the caller's role there is known to allow `action`.

        Raises:
            SpaceHeaderMissing: the request names no space.
            ActionNotAllowed: the role does not include the action.
        """
        if self.space is None:
            raise SpaceHeaderMissing
        require(self.space.role, action)
        return self.space.space_id
