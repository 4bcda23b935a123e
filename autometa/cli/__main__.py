"""`python -m autometa.cli`, the same as `autometa`."""

from autometa.cli import main

if __name__ == "__main__":
    main()
