"""How PostgreSQL names the rules by which it takes a language's words apart."""

# Those that come with every server from version 15 on, by ISO 639-1.
_CONFIGURATIONS = {
    "ar": "arabic",
    "hy": "armenian",
    "eu": "basque",
    "ca": "catalan",
    "da": "danish",
    "nl": "dutch",
    "en": "english",
    "fi": "finnish",
    "fr": "french",
    "de": "german",
    "el": "greek",
    "hi": "hindi",
    "hu": "hungarian",
    "id": "indonesian",
    "ga": "irish",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "no": "norwegian",
    "nb": "norwegian",
    "nn": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "es": "spanish",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}


def text_search_configuration(language: str) -> str:
    """By ISO 639-1: 'english' when nobody could tell, 'simple' for a language without rules."""
    return _CONFIGURATIONS.get(language, "simple") if language else "english"


def text_search_languages() -> tuple[str, ...]:
    """Those with rules of their own, by ISO 639-1."""
    return tuple(_CONFIGURATIONS)
