"""Programs that serve the same work, each in a process of its own, to be measured side by side."""
