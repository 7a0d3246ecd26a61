"""The command `obelisk`."""

import os

# Before gRPC is imported: child processes are started by exec, so it need not follow a fork.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

from entrypoints.cli.app import main

__all__ = ["main"]
