"""Identity's values as messages."""

from application.auth.manage_keys import KeyStanding
from domain.auth.account import User
from domain.auth.key_rotation import KeyPhase
from domain.auth.oidc import OidcProvider
from domain.auth.session import Session, TokenSet
from domain.auth.signing_key import PublicKey
from domain.identifiers import SessionId
from entrypoints.grpc.convert import timestamp
from obelisk.v1 import auth_pb2 as pb

_PHASES = {
    KeyPhase.NEXT: pb.KEY_PHASE_NEXT,
    KeyPhase.ACTIVE: pb.KEY_PHASE_ACTIVE,
    KeyPhase.RETIRED: pb.KEY_PHASE_RETIRED,
}


def token_set(value: TokenSet) -> pb.TokenSet:
    ends = value.refresh_expire_time
    return pb.TokenSet(
        access_token=value.access_token,
        access_token_expire_time=timestamp(value.access_expire_time),
        refresh_token=value.refresh_token or "",
        refresh_token_expire_time=timestamp(ends) if ends else None,
        session_id=str(value.session_id),
    )


def session(value: Session, current: SessionId) -> pb.Session:
    return pb.Session(
        session_id=str(value.session_id),
        address=value.address,
        user_agent=value.user_agent,
        create_time=timestamp(value.create_time),
        expire_time=timestamp(value.expire_time),
        current=value.session_id == current,
    )


def user(value: User) -> pb.User:
    return pb.User(
        user_id=str(value.user_id),
        email=value.email or "",
        display_name=value.display_name,
        operator=value.operator,
        create_time=timestamp(value.create_time),
    )


def oidc_provider(value: OidcProvider) -> pb.OidcProvider:
    return pb.OidcProvider(provider=value.name, issuer=value.issuer)


def json_web_key(value: PublicKey) -> pb.JsonWebKey:
    return pb.JsonWebKey(**value.jwk())


def signing_key(value: KeyStanding) -> pb.SigningKey:
    window = value.window
    return pb.SigningKey(
        kid=window.kid,
        phase=_PHASES[value.phase],
        publish_time=timestamp(window.publish_time),
        activate_time=timestamp(window.activate_time),
        retire_time=timestamp(window.retire_time) if window.retire_time else None,
    )
