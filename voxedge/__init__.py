"""voxedge: a reading companion for people who cannot see print."""

__version__ = "0.1.0"
