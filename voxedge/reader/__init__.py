"""The conversation: pictures in, speech out, and what is kept of it."""
