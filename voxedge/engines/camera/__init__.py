"""Cameras: USB, CSI, and folders or films that stand in for one; each in a worker process."""
