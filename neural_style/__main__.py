"""Makes `python -m neural_style` the shell."""

import sys

if __name__ == "__main__":
    try:
        from neural_style.cli import main

        code = main()
    except KeyboardInterrupt:  # while the imports go on; `main` handles it later
        code = 130
    sys.exit(code)
