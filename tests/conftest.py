"""For all tests: what a property test may take depends on nobody's load."""

import os

# As in the workers: threads of OpenBLAS that wait for each other cost ten times the work on a busy
# machine. Read once, when NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings

# Speed is never judged by a test: on a busy machine any example may take 200 ms, to draw it too.
settings.register_profile("voxedge", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("voxedge")
