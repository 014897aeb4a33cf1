"""The `followup` command."""

from followup_embedded.commands import main

if __name__ == "__main__":
    main()
