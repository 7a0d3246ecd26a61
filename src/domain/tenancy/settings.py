"""How a space speaks (brand voice), and the facts that hold for everything that it says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.errors import InvalidInput
from domain.identifiers import UserId
from domain.plain_text import plain_text
from domain.safety.web_address import checked_host_rule

_MAX_TERMS = 200
_MAX_TERM_CHARACTERS = 200
_MAX_CLAIM_CHARACTERS = 500
_MAX_FACTS = 100
_MAX_TEXT_CHARACTERS = 2000
_MAX_HOST_CHARACTERS = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandVoice:
    tone: str = ""
    reading_level: str = ""
    terms_to_use: tuple[str, ...] = ()
    terms_to_avoid: tuple[str, ...] = ()
    claims_needing_proof: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _bounded("tone", self.tone, _MAX_TEXT_CHARACTERS)
        _bounded("reading_level", self.reading_level, _MAX_TERM_CHARACTERS)
        _bounded_all("terms_to_use", self.terms_to_use, _MAX_TERM_CHARACTERS)
        _bounded_all("terms_to_avoid", self.terms_to_avoid, _MAX_TERM_CHARACTERS)
        _bounded_all("claims_needing_proof", self.claims_needing_proof, _MAX_CLAIM_CHARACTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceSettings:
    """`facts` maps a name such as 'audience' to a sentence.

    `web_hosts` are the hosts that pages may be fetched from, each as `checked_host_rule` has it.
    """

    brand_voice: BrandVoice = field(default_factory=BrandVoice)
    facts: Mapping[str, str] = field(default_factory=dict)
    web_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.facts) > _MAX_FACTS:
            raise _too_many("facts", len(self.facts), _MAX_FACTS)
        for name, value in self.facts.items():
            _bounded("facts", name, _MAX_TERM_CHARACTERS)
            _bounded(f"facts[{name}]", value, _MAX_TEXT_CHARACTERS)
        _bounded_all("web_hosts", self.web_hosts, _MAX_HOST_CHARACTERS)
        for rule in self.web_hosts:
            if checked_host_rule(rule) != rule:
                raise InvalidInput(f"{rule!r} is not in its usual spelling", field="web_hosts")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsVersion:
    """Settings as they were from `create_time` on; `version` counts from 1 in each space."""

    version: int
    settings: SpaceSettings
    editor: UserId
    create_time: datetime


def _bounded(name: str, text: str, limit: int) -> None:
    plain_text(text, name)
    if len(text) > limit:
        raise InvalidInput(f"{name} has {len(text)} characters; at most {limit}", field=name)


def _bounded_all(name: str, terms: tuple[str, ...], limit: int) -> None:
    if len(terms) > _MAX_TERMS:
        raise _too_many(name, len(terms), _MAX_TERMS)
    for term in terms:
        if not term.strip():
            raise InvalidInput(f"{name} holds an empty entry; remove it", field=name)
        _bounded(name, term, limit)


def _too_many(name: str, count: int, limit: int) -> InvalidInput:
    return InvalidInput(f"{name} has {count} entries; at most {limit}", field=name)
