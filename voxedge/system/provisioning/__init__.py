"""First boot without sight: what a memory stick brings is taken, and told aloud.

``stick`` reads its files as a stranger's, ``wifi`` and ``keys`` understand them, ``take`` puts them
into the device, ``plug`` is run when a stick is plugged in (docs/integrators/first-boot.md).
"""
