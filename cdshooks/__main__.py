"""``python -m cdshooks`` is the command ``cdshooks``."""

from cdshooks.cli.main import main

if __name__ == "__main__":
    main()
