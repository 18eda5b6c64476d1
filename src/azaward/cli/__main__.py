"""`python -m azaward.cli`."""

from azaward.cli import main

main()
