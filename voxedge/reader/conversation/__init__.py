"""PURE. What the reader does about everything a person asks for and everything that happens."""
