"""`python -m opentrail` is the `opentrail` command."""

from opentrail.cli import main

if __name__ == "__main__":
    main()
