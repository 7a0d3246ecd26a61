"""Authenticate: where every transport is let in."""

import pytest

from adapters.crypto.signing_key import load_or_create
from adapters.crypto.token_signer import Rs256TokenSigner
from adapters.memory.clock import FixedClock
from application.auth.authenticate import Authenticate
from application.context import Caller, RequestContext, SpaceHeaderMissing
from domain.auth.claims import TokenMissing, TokenRejected
from domain.errors import InvalidInput
from domain.tenancy.access import Role
from domain.tenancy.space import SpaceNotFound
from fixtures.house import House, claims_of
from fixtures.making import NOON, new_home, new_id


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Rs256TokenSigner:
    key = load_or_create(tmp_path_factory.mktemp("keys") / "key.pem")
    return Rs256TokenSigner(key=key, issuer="us", audience="us", clock=FixedClock(NOON))


@pytest.fixture
def token(signer: Rs256TokenSigner, house: House) -> str:
    return signer.sign(claims_of(house.home.owner))


async def _enter(
    house: House,
    signer: Rs256TokenSigner,
    authorization: str | None,
    space: str | None = None,
    *,
    needs_space: bool = True,
) -> RequestContext:
    authenticate = Authenticate(signer=signer, tenancy=house.stores.tenancy)
    return await authenticate(
        authorization=authorization,
        space_header=space,
        caller=Caller(correlation_id="corr-1"),
        needs_space=needs_space,
    )


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
async def test_a_member_enters_with_the_role_of_the_space(
    house: House, signer: Rs256TokenSigner, token: str, scheme: str
) -> None:
    context = await _enter(house, signer, scheme + token, str(house.home.space))
    assert context.user_id == house.home.owner
    assert context.correlation_id == "corr-1"
    assert context.space is not None
    assert (context.space.space_id, context.space.role) == (house.home.space, Role.OWNER)


async def test_a_call_without_a_space_needs_none_and_looks_at_none(
    house: House, signer: Rs256TokenSigner, token: str
) -> None:
    context = await _enter(house, signer, f"Bearer {token}", "nonsense", needs_space=False)
    assert context.space is None


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Basic dXNlcjpwYXNz", "token"])
async def test_without_a_token_there_is_no_identity(
    house: House, signer: Rs256TokenSigner, authorization: str | None
) -> None:
    with pytest.raises(TokenMissing) as refusal:
        await _enter(house, signer, authorization, str(house.home.space))
    assert refusal.value.field == "authorization"


@pytest.mark.parametrize("given", ["", " ", "x.y.z", "{token}x", "{token} {token}"])
async def test_a_token_that_is_not_ours_is_rejected(
    house: House, signer: Rs256TokenSigner, token: str, given: str
) -> None:
    with pytest.raises(TokenRejected):
        await _enter(house, signer, "Bearer " + given.format(token=token), str(house.home.space))


@pytest.mark.parametrize("space", [None, ""])
async def test_a_call_that_needs_a_space_says_so(
    house: House, signer: Rs256TokenSigner, token: str, space: str | None
) -> None:
    with pytest.raises(SpaceHeaderMissing):
        await _enter(house, signer, f"Bearer {token}", space)


@pytest.mark.parametrize("space", ["nordlys", "1234", "' or true --"])
async def test_a_space_that_is_no_uuid_is_refused(
    house: House, signer: Rs256TokenSigner, token: str, space: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await _enter(house, signer, f"Bearer {token}", space)
    assert refusal.value.field == "x-space-id"


async def test_a_foreign_space_answers_like_one_that_does_not_exist(
    house: House, signer: Rs256TokenSigner, token: str
) -> None:
    foreign = await new_home(house.stores.tenancy)
    answers = set()
    for space in (foreign.space, new_id()):
        with pytest.raises(SpaceNotFound) as refusal:
            await _enter(house, signer, f"Bearer {token}", str(space))
        answers.add((str(refusal.value), refusal.value.reason, refusal.value.field))
    assert len(answers) == 1


async def test_the_token_is_looked_at_before_the_space(
    house: House, signer: Rs256TokenSigner
) -> None:
    with pytest.raises(TokenRejected):
        await _enter(house, signer, "Bearer x", None)
