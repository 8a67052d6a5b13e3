"""The assembler's walk: every part of the box tried, and told aloud.

``outcome`` is what a step says, ``steps_*`` are the steps, ``walk`` goes through them, ``parts``
are what they try, real or (``--simulate``) fake.
"""
