"""How easy a text is to read."""

import pytest

from domain.safety.readability import flesch_reading_ease


def test_the_formula_against_a_hand_computation() -> None:
    # 7 words, 2 sentences, 8 runs of vowels.
    text = "The cat sat. It was a happy."
    assert flesch_reading_ease(text) == pytest.approx(206.835 - 1.015 * 7 / 2 - 84.6 * 8 / 7)


@pytest.mark.parametrize("text", ["", "  ", "1234 --- !!!"])
def test_a_text_without_words_is_easy(text: str) -> None:
    assert flesch_reading_ease(text) == 100.0


def test_long_words_in_long_sentences_are_harder() -> None:
    easy = "We smoke fish. It is good. Try it."
    hard = "Internationally acknowledged gastronomical professionals enthusiastically recommend it."
    assert flesch_reading_ease(easy) > 90 > 20 > flesch_reading_ease(hard)


def test_a_text_without_an_end_is_one_sentence() -> None:
    assert flesch_reading_ease("We smoke fish") == flesch_reading_ease("We smoke fish.")
