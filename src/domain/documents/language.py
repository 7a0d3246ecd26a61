"""Which language a text is written in, told by its script and its most frequent words."""

import re
from collections import Counter

_SAMPLE_CHARACTERS = 20_000
_MIN_WORDS = 8
_WORD = re.compile(r"[^\W\d_]+")
_BEYOND_LATIN = re.compile("[\u0370-\uffff]")
_STOP_WORDS = {
    "en": "the of and to in is that for it with as on are be this was by not or from at have you",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch",
    "fr": "le de la et les des en un une du est dans que pour qui sur pas au avec ce sont il vous",
    "es": "el de la que y los en un las se por con para una del es su al como más lo este pero",
    "it": "di che il la e un per in è una del non le con si da della dei sono gli come alla nel",
    "pt": "de que o a e do da em um para com não uma os no se na por mais as dos como mas ao você",
    "nl": "de het een en van in is dat op te zijn voor met die niet aan er om ook als bij wordt",
    "sv": "och i att det som en på är av för med den till inte har de ett om kan var från vi eller",
    "da": "og i at det er en til af på som for den med de ikke der et har kan om vi fra eller også",
    "no": "og i det er på som en til av for at med har de ikke et den kan om vi fra eller også ble",
    "fi": "ja on ei se että oli hän mutta kun joka ovat tai myös kuin sen voi jos niin vain ole",
    "hu": "a az és hogy nem is egy van ez meg csak de már ha vagy mint volt el még ki azt több",
    "ro": "și de în la a cu pe nu este că un o din pentru mai care sau sunt prin dar ce al fi",
    "tr": "ve bir bu da de için ile çok daha olarak olan ne gibi kadar ise var ya her mi sonra",
    "pl": "i w nie na z się do to że jest o jak po co dla od przez oraz za są czy ale tym może",
    "cs": "a v se na je že o s z do i to pro jsou by jako ale za od jeho tak nebo který může",
    "ru": "и в не на что с по как это он из но для к у от за то его так же или вы при мы есть",
    "uk": "і в не на що з до як це він та для від за його так або ви при ми є але у про які",
}
_SCRIPTS = (
    ("el", "\u0370", "\u03ff"),
    ("he", "\u0590", "\u05ff"),
    ("ar", "\u0600", "\u06ff"),
    ("hi", "\u0900", "\u097f"),
    ("th", "\u0e00", "\u0e7f"),
    ("ko", "\uac00", "\ud7af"),
    ("ja", "\u3040", "\u30ff"),
    ("zh", "\u4e00", "\u9fff"),
)
_WORDS_OF = {code: frozenset(words.split()) for code, words in _STOP_WORDS.items()}


def language_of(text: str) -> str:
    """An ISO 639-1 code, or nothing when the text is too short or too mixed to tell."""
    sample = text[:_SAMPLE_CHARACTERS]
    words = [word.lower() for word in _WORD.findall(sample)]
    script = _script_of(sample)
    if script:
        return script
    if len(words) < _MIN_WORDS:
        return ""
    counts = Counter(words)
    scores = sorted(
        ((sum(counts[word] for word in known), code) for code, known in _WORDS_OF.items()),
        reverse=True,
    )
    (best, code), (second, _) = scores[0], scores[1]
    is_clear = best >= max(3, 0.06 * len(words)) and best > 1.1 * second
    return code if is_clear else ""


def frequent_words(language: str) -> frozenset[str]:
    """Some twenty of the language's most frequent words; none where they are not known."""
    return _WORDS_OF.get(language, frozenset())


def _script_of(sample: str) -> str:
    beyond = _BEYOND_LATIN.findall(sample)
    letters = sum(map(str.isalpha, sample)) if beyond else 0
    for code, first, last in _SCRIPTS:
        share = sum(first <= c <= last for c in beyond)
        # Japanese stands in Chinese letters with a few of its own between them.
        if letters and share > (0.1 if code == "ja" else 0.4) * letters:
            return code
    return ""
