"""Where a question's words stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.retrieval.highlights import highlights


def _marked(text: str, question: str) -> list[str]:
    return [text[start:end] for start, end in highlights(text, question)]


@pytest.mark.parametrize(
    ("text", "question", "marked"),
    [
        ("Herring is smoked over juniper.", "smoked herring", ["Herring", "smoked"]),
        ("We sell smoked herring here.", "Smoked Herring?", ["smoked herring"]),
        ("Pricing: the price, and prices.", "prices", ["Pricing", "price", "prices"]),
        ("The card of a cart", "car", []),
        ("Café and CAFE\u0301 au lait", "cafe", ["Café", "CAFE\u0301"]),
        ("Die Preise für Größen", "preis größe", ["Preise", "Größen"]),
        ("Costs 490 or 4901", "490", ["490"]),
        ("What is it?", "what is it", ["What is it"]),
        ("Nothing here", "", []),
        ("", "herring", []),
        ("one 🎉 two", "two", ["two"]),
        ("東京都の倉庫から発送します", "東京の倉庫", ["東京", "の倉庫"]),
        ("我们卖茶和咖啡", "茶", ["茶"]),
        ("iPhone15を買う", "iphone15", ["iPhone15"]),
        ("서울에서 발송", "서울 서운", ["서울"]),
        ("คืนสินค้าได้", "สินค้า", ["สินค้า"]),
        ("उत्पाद वापसी नीति के अनुसार", "वापसी नीति", ["वापसी नीति"]),
        ("سياسة الإرجاع", "سِياسة", ["سياسة"]),
        ("Donau\u00addampfer", "donaudampfer", ["Donau\u00addampfer"]),
    ],
)
def test_words_are_found_in_their_other_forms(text: str, question: str, marked: list[str]) -> None:
    assert _marked(text, question) == marked


def test_common_words_are_not_marked_beside_telling_ones() -> None:
    assert _marked("What is the herring?", "what is herring") == ["herring"]


@pytest.mark.parametrize(
    ("text", "question", "marked"),
    [
        (
            "La política de devolución permite a los clientes que lo devuelvan con el recibo.",
            "la política de devolución",
            ["política", "devolución"],
        ),
        (
            "Die Rückgabe der Geräte ist für Sie mit keinen Kosten in der Frist verbunden.",
            "Rückgabe der Geräte für Sie",
            ["Rückgabe", "Geräte", "Sie"],
        ),
    ],
)
def test_common_words_of_the_texts_language_are_not_marked_either(
    text: str, question: str, marked: list[str]
) -> None:
    assert _marked(text, question) == marked


@given(
    text=st.text(max_size=300) | st.text("東京 都茶をสินค้าe\u0301 a", max_size=80),
    question=st.text(max_size=60) | st.text("東京 都茶をสินค้าe\u0301 a", max_size=12),
)
def test_spans_are_in_order_apart_and_within_the_text(text: str, question: str) -> None:
    end = -1
    for span in highlights(text, question):
        assert end < span[0] < span[1] <= len(text)
        assert text[span[0] : span[1]].strip()
        end = span[1]


def test_there_are_no_more_marks_than_anybody_reads() -> None:
    assert len(highlights("bag. " * 1_000, "bag")) == 200
