"""For all tests: what a property test may take depends on nobody's load."""

from hypothesis import settings

# Speed is never judged by a test: on a busy machine any example may take 200 ms.
settings.register_profile("voxedge", deadline=None)
settings.load_profile("voxedge")
