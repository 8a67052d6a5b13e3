"""The daemon's frame: supervision, worker processes, watchdog, health.

Nobody but the command line imports it.
"""
