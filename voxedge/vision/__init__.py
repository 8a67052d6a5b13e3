"""PURE, arrays only. Is the page in view, sharp, lit, upright; flatten and turn it."""
