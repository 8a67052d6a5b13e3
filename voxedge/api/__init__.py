"""How other programs reach the running reader."""
