"""Reads documents with docling, in child processes that can be killed."""

from adapters.docling.converter import DoclingConverter, DoclingLimits

__all__ = ["DoclingConverter", "DoclingLimits"]
