"""What a person is told about a file that was read, but not all of it."""

from collections.abc import Collection

from adapters.docling.left_out import named
from adapters.docling.recognition import EXTRA_HINT


def missing_pages(pages: Collection[int]) -> tuple[str, ...]:
    return _told("these pages could not be read and are missing: {pages}", pages)


def crowded_pages(pages: Collection[int]) -> tuple[str, ...]:
    return _told(
        "so much is drawn on these pages that not all of it was looked at, and text may be missing "
        "or hidden there: {pages}",
        pages,
    )


def scanned_pages(pages: Collection[int]) -> tuple[str, ...]:
    return _told(f"these pages are pictures of text (scans); {EXTRA_HINT}: {{pages}}", pages)


def unrecognised_pages(pages: Collection[int]) -> tuple[str, ...]:
    return _told(
        "recognising text took too long, and these scanned pages were left out: {pages}; "
        "split the file",
        pages,
    )


def unlaid_pages(pages: Collection[int]) -> tuple[str, ...]:
    return _told(
        "the layout models failed on these pages, or had no time left for them, and they were read "
        "without: {pages}",
        pages,
    )


def _told(message: str, pages: Collection[int]) -> tuple[str, ...]:
    if not pages:
        return ()
    return (message.format(pages=named([str(page) for page in sorted(pages)])),)
