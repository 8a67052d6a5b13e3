"""Recognisers of speech: Vosk where its model is installed, pocketsphinx for English otherwise."""
