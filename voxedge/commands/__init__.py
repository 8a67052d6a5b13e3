"""From what a recogniser heard to what is to be done. Pure, but for the language files it reads."""
