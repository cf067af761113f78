"""`python -m unleash_gitops` and the `unleash-gitops` command."""

from typing import NoReturn

from unleash_gitops.model.interrupts import exit_on_interrupt

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line, and exit with its code."""
    exit_on_interrupt()
    from unleash_gitops.cli import run_command_line  # takes half a second, in which an interrupt may come

    run_command_line()


if __name__ == "__main__":
    main()
