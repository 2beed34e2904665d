"""`python -m edi_server`: the command line."""

from edi_server.cli import main

if __name__ == "__main__":
    main()
