"""Pictures go with the words beside them; ornaments do not; a page of nothing else has a name."""

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.documents.chunking import Chunk, ChunkingPolicy, ChunkKind, chunk_document
from domain.documents.pictures import (
    MOST_BYTES,
    MOST_PICTURES,
    with_pictures_chosen,
    with_pictures_named,
)
from domain.documents.structure import Block, DocumentStructure, Heading, Paragraph, Picture, Table
from fixtures.document_blocks import SHAPES, Words, block_of, count_words_and_marks


def document(*blocks: Block, pages: int = 1) -> DocumentStructure:
    return DocumentStructure(title="A deck", blocks=blocks, page_count=pages)


def chunks_of(*blocks: Block) -> tuple[Chunk, ...]:
    policy = ChunkingPolicy(max_tokens=30, min_tokens=0, overlap_tokens=7)
    return chunk_document(document(*blocks), policy=policy, count_tokens=count_words_and_marks)


def images(structure: DocumentStructure) -> list[bytes]:
    return [block.image for block in structure.blocks if isinstance(block, Picture)]


def long(name: str) -> str:
    return " ".join(f"{name}{n}" for n in range(25)) + "."


def test_a_picture_goes_with_the_words_before_it() -> None:
    first, second = chunks_of(
        Paragraph(text=long("a")), Picture(image=b"lamp"), Paragraph(text=long("b"))
    )
    assert (first.pictures, second.pictures) == ((b"lamp",), ())


def test_a_picture_goes_with_the_words_after_it_where_none_stand_before() -> None:
    cover = Picture(image=b"cover", page=2)
    first, second = chunks_of(
        Paragraph(text="One.", page=1),
        cover,
        Heading(text="Two", level=1, page=2),
        Paragraph(text="Words.", page=2),
    )
    assert (first.pictures, second.pictures) == ((), (b"cover",))


def test_a_picture_below_a_heading_goes_with_the_section() -> None:
    first, second = chunks_of(
        Paragraph(text="Before."),
        Heading(text="Lamps", level=1),
        Picture(image=b"lamp"),
        Paragraph(text="They shine."),
    )
    assert (first.pictures, second.pictures) == ((), (b"lamp",))


def test_a_lonely_heading_keeps_its_picture() -> None:
    (chunk,) = chunks_of(Heading(text="Our range", level=1, page=4), Picture(image=b"x", page=4))
    assert (chunk.text, chunk.pictures) == ("Our range", (b"x",))


def test_a_picture_with_a_caption_stands_with_it() -> None:
    (chunk,) = chunks_of(Picture(caption="A lamp", image=b"lamp"))
    assert (chunk.text, chunk.kind, chunk.pictures) == ("A lamp", ChunkKind.PICTURE, (b"lamp",))


def test_a_picture_that_is_shown_twice_in_a_chunk_counts_once() -> None:
    (chunk,) = chunks_of(Paragraph(text="See."), Picture(image=b"x"), Picture(image=b"x"))
    assert chunk.pictures == (b"x",)


@given(
    shapes=st.lists(SHAPES, min_size=1, max_size=10),
    places=st.lists(st.integers(0, 10), max_size=5),
)
@settings(max_examples=100, deadline=None)
def test_pictures_change_no_text_and_are_in_one_chunk_each(
    shapes: list[tuple[str, int, int]], places: list[int]
) -> None:
    words = Words()
    blocks = [block_of(shape, words, 3) for shape in shapes]
    pictured: list[Block] = list(blocks)
    for number, place in enumerate(places):
        pictured.insert(place, Picture(image=f"picture {number}".encode()))
    plain, chunks = chunks_of(*blocks), chunks_of(*pictured)
    assert [(c.text, c.span, c.page) for c in chunks] == [(c.text, c.span, c.page) for c in plain]
    found = sorted(image for chunk in chunks for image in chunk.pictures)
    assert found == (sorted(f"picture {n}".encode() for n in range(len(places))) if chunks else [])


def test_a_slide_of_nothing_but_a_picture_is_called_by_its_number() -> None:
    named = with_pictures_named(
        document(
            Paragraph(text="Words.", page=1),
            Picture(image=b"a", page=1),
            Picture(image=b"b", page=3),
            Picture(image=b"c", page=3),
        ),
        "slide",
    )
    assert [b.caption for b in named.blocks if isinstance(b, Picture)] == [
        "",
        "Picture on slide 3 of A deck",
        "",
    ]
    first, second = chunks_of(*named.blocks)
    assert second.section_path == ("Slide 3",)
    assert (first.pictures, second.pictures) == ((b"a",), (b"b", b"c"))
    assert (second.text, second.page) == ("Picture on slide 3 of A deck", 3)


def test_a_document_without_pages_has_a_picture_all_the_same() -> None:
    blank = Table(header=("",), rows=((" ",),))
    named = with_pictures_named(document(blank, Picture(image=b"a"), Picture()), "page")
    assert named.blocks[1] == Picture(caption="Picture of A deck", image=b"a")
    assert named.blocks[2] == Picture()


def test_a_logo_on_most_pages_is_no_content() -> None:
    logos = [Picture(image=b"logo", page=page) for page in range(1, 5)]
    photo = Picture(image=b"photo", page=2, caption="A lamp")
    chosen = with_pictures_chosen(document(*logos, photo, pages=5))
    assert chosen.blocks == (photo,)


def test_what_comes_back_on_few_pages_is_content() -> None:
    same = [Picture(image=b"photo", page=page) for page in (1, 2, 2, 2)]
    chosen = with_pictures_chosen(document(*same, pages=2))
    assert images(chosen) == [b"photo"] * 4
    assert chosen.warnings == ()


def test_pictures_are_bounded_in_number_and_in_size() -> None:
    many = [Picture(image=str(n).encode()) for n in range(MOST_PICTURES + 5)]
    few = with_pictures_chosen(document(*many))
    (warning,) = few.warnings
    assert warning.startswith("5 pictures were left out")
    chosen = images(few)
    assert chosen == [str(n).encode() for n in range(MOST_PICTURES)]
    big = [Picture(image=bytes([n]) * (MOST_BYTES // 2)) for n in range(3)]
    assert sum(map(len, images(with_pictures_chosen(document(*big))))) == MOST_BYTES
