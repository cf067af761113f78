"""`python -m unleash_gitops` and the `unleash-gitops` command."""

from unleash_gitops.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
