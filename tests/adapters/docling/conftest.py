from collections.abc import AsyncIterator

import pytest

from adapters.docling import DoclingConverter


@pytest.fixture(scope="session")
async def converter() -> AsyncIterator[DoclingConverter]:
    converter = DoclingConverter()
    await converter.start()
    yield converter
    await converter.close()
