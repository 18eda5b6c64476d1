"""`python -m azaward`."""

from azaward.cli import main

main()
