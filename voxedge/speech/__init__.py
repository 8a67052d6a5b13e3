"""The one owner of the voice."""
