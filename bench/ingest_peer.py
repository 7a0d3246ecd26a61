"""docling's own default, without its models: `python bench/ingest_peer.py suffix file...`.

Warms up, says so in a line, waits for a line, reads the files, and prints what it took as JSON.
"""

import json
import logging
import resource
import sys
import time
from pathlib import Path

from docling.datamodel.base_models import InputFormat
from docling.document_converter import DocumentConverter, FormatOption, PdfFormatOption
from docling.pipeline.native_pdf_pipeline import NativePdfPipeline


def main() -> None:
    suffix, *names = sys.argv[1:]
    logging.disable(logging.CRITICAL)
    options: dict[InputFormat, FormatOption] = {}
    if suffix == ".pdf":
        # The default pipeline needs torch and models; this is docling's way without them.
        options[InputFormat.PDF] = PdfFormatOption(pipeline_cls=NativePdfPipeline)
    converter = DocumentConverter(format_options=options)
    files = [Path(name) for name in names]
    converter.convert(min(files, key=lambda path: path.stat().st_size), raises_on_error=False)
    print("ready", flush=True)
    sys.stdin.readline()
    begun, cpu = time.perf_counter(), time.process_time()
    pages = 0
    for file in files:
        result = converter.convert(file, raises_on_error=False)
        pages += max(1, len(result.document.pages))
    told = {
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - cpu,
        "pages": pages,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
