"""How a page was read, for the person who sees: pictures of every step, and a page of HTML."""
