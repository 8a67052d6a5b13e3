"""The heavy parts, behind small protocols."""
