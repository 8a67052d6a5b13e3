"""The card the reader lives on: two slots, signed updates, settings from a memory stick.

Everything here runs as root, beside the reader and never inside it; it talks to the person through
the reader's control socket. Standard library only, so that it works where an engine does not.
"""
