import pytest

from domain.documents.language import language_of


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "The warranty belongs to the machine and passes to the next owner of it."),
        (
            "de",
            "Die Garantie gehört zur Maschine und geht auf den nächsten Besitzer über, ist das.",
        ),
        ("fr", "La garantie appartient à la machine et passe au prochain propriétaire de la."),
        (
            "es",
            "La garantía pertenece a la máquina y pasa al próximo dueño, pero no cubre los daños.",
        ),
        (
            "it",
            "La garanzia appartiene alla macchina e passa al prossimo proprietario della stessa.",
        ),
        ("nl", "De garantie hoort bij de machine en gaat over op de volgende eigenaar van het."),
        ("pt", "A garantia pertence à máquina e passa para o próximo dono da mesma, não do."),
        ("ru", "Гарантия принадлежит машине и переходит к следующему владельцу, и это не для вас."),
        ("ja", "保証は機械に属し、次の所有者に引き継がれます。"),
        ("zh", "保修属于机器并转移给下一位所有者"),
        ("ar", "الضمان ملك للآلة وينتقل إلى المالك التالي"),
        ("", "Fell 40, Rill 54"),
        ("", ""),
        ("", "129 149 289 335 469 545"),
    ],
)
def test_a_language_is_told_by_its_script_and_its_small_words(code: str, text: str) -> None:
    assert language_of(text) == code
