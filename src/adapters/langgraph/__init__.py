"""LangGraph, told before it is imported to build no object out of what a store holds."""

import os

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
