"""What a provider says of itself. Source: OpenID Connect Discovery 1.0; RFC 8414; RFC 9207."""

from dataclasses import dataclass

from adapters.oidc.fetch import FetchFailed, Json, origin

# Of the algorithms that a key pair signs with: no secret that we share may sign, and "none" never.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """`sends_issuer`: whether answers carry `iss`. `posts_secret`: it wants it in the form."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    algorithms: tuple[str, ...]
    posts_secret: bool
    sends_issuer: bool


def metadata_url(issuer: str) -> str:
    """Where an issuer's metadata lie."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def read_metadata(issuer: str, body: Json) -> Metadata:
    """Raises FetchFailed when it is another issuer's, or cannot be worked with."""
    if body.get("issuer") != issuer:
        raise FetchFailed(f"the metadata of {issuer} are those of {body.get('issuer')!r:.200}")
    offered = _texts(body, "id_token_signing_alg_values_supported", default=("RS256",))
    algorithms = tuple(name for name in ALGORITHMS if name in offered)
    if not algorithms:
        raise FetchFailed(f"{issuer} signs with {offered}, none of which is a key pair's")
    if "S256" not in _texts(body, "code_challenge_methods_supported", default=("S256",)):
        raise FetchFailed(f"{issuer} does not offer PKCE by S256")
    methods = _texts(
        body, "token_endpoint_auth_methods_supported", default=("client_secret_basic",)
    )
    if not {"client_secret_basic", "client_secret_post"} & set(methods):
        raise FetchFailed(f"{issuer} takes no client secret, but {methods}")
    return Metadata(
        authorization_endpoint=_address(body, "authorization_endpoint"),
        token_endpoint=_address(body, "token_endpoint"),
        jwks_uri=_address(body, "jwks_uri"),
        algorithms=algorithms,
        posts_secret="client_secret_basic" not in methods,
        sends_issuer=body.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise FetchFailed(f"the metadata have no {name}")
    origin(value)
    return value


def _texts(body: Json, name: str, *, default: tuple[str, ...]) -> tuple[str, ...]:
    value = body.get(name)
    if not isinstance(value, list):
        return default
    return tuple(one for one in value if isinstance(one, str))
