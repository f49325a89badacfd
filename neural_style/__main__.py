"""Makes `python -m neural_style` the shell."""

import sys

from neural_style.cli import main

if __name__ == "__main__":
    sys.exit(main())
