"""Fakes that ship with the product; ``--simulate`` and every test use them."""
