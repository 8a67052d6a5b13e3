"""From fingers to intents: buttons, a knob, keyboards and the keys of a terminal."""
