"""The command `obelisk`."""

from entrypoints.cli.app import main

__all__ = ["main"]
