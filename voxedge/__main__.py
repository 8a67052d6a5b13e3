"""``python -m voxedge``."""

import sys

from voxedge.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
