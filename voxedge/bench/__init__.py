"""Measurements a user can repeat: ``voxedge bench``."""
