"""Voices and recognisers as files: manifest, fetch, verify, build."""
