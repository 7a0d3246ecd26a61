"""The contract of `Entropy`, on every adapter."""

import re
from itertools import pairwise
from uuid import RFC_4122

import pytest

from adapters.local.entropy import SystemEntropy
from adapters.memory.entropy import SeededEntropy
from application.ports.entropy import Entropy


@pytest.fixture(params=[SystemEntropy, SeededEntropy])
def entropy(request: pytest.FixtureRequest) -> Entropy:
    made: Entropy = request.param()
    return made


def test_a_uuid_is_of_version_7(entropy: Entropy) -> None:
    made = entropy.uuid()
    assert (made.version, made.variant) == (7, RFC_4122)


def test_later_uuids_sort_after_earlier_ones(entropy: Entropy) -> None:
    made = [entropy.uuid() for _ in range(5000)]
    assert all(earlier < later for earlier, later in pairwise(made))
    texts = [str(one) for one in made]
    assert texts == sorted(texts)


def test_a_nonce_is_sixteen_hexadecimal_characters(entropy: Entropy) -> None:
    nonces = {entropy.nonce() for _ in range(200)}
    assert len(nonces) == 200
    assert all(re.fullmatch("[0-9a-f]{16}", nonce) for nonce in nonces)


def test_a_secret_is_256_bits_in_base64url(entropy: Entropy) -> None:
    secrets = {entropy.secret() for _ in range(200)}
    assert len(secrets) == 200
    assert all(re.fullmatch("[0-9A-Za-z_-]{43}", secret) for secret in secrets)


def test_two_sources_of_chance_do_not_agree() -> None:
    assert SystemEntropy().nonce() != SystemEntropy().nonce()
    assert SystemEntropy().uuid() != SystemEntropy().uuid()
    assert SeededEntropy(1).nonce() != SeededEntropy(2).nonce()


def test_the_same_seed_gives_the_same_chance() -> None:
    left, right = SeededEntropy(7), SeededEntropy(7)
    assert [left.uuid() for _ in range(3)] == [right.uuid() for _ in range(3)]
    assert left.nonce() == right.nonce()
