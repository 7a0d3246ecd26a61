"""Signing keys as they are kept, published and used. Private halves never show in a repr."""

from dataclasses import dataclass, field

from domain.auth.key_rotation import KeyTimes
from domain.errors import FailedPrecondition, Unavailable


class SigningKeyUnusable(FailedPrecondition):
    reason = "SIGNING_KEY_UNUSABLE"


class KeysNotKnown(Unavailable):
    reason = "SIGNING_KEYS_NOT_KNOWN"

    def __init__(self) -> None:
        super().__init__("what is known here of the signing keys is too old to sign by; try again")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A public RSA key: `n` and `e` in base64url, `kid` its RFC 7638 thumbprint."""

    kid: str
    n: str
    e: str

    def jwk(self) -> dict[str, str]:
        """As a JWK (RFC 7517) for verifying RS256."""
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "n": self.n,
            "e": self.e,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """`private` is the private half in PKCS #8, DER."""

    public: PublicKey
    private: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedKey:
    """A key pair at rest."""

    times: KeyTimes
    public: PublicKey
    sealed_private: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.times.kid != self.public.kid:
            raise ValueError(f"times of {self.times.kid} beside the key {self.public.kid}")
