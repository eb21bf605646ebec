"""Power cuts at every operation of a spool in use, and the starts that follow them."""
