"""The running reader against its bars: silence, answers, idling, memory, start, and a long soak.

``felt`` stamps every sample with the time at which it leaves the device; ``process`` and ``soak``
watch a real ``voxedge run`` in a process of its own; ``report`` puts the figures beside their bars.
"""
