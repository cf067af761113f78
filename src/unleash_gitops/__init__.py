"""Make an Unleash instance match a directory of YAML.

Importing this package costs nothing: the rooms are imported by the commands that need them.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
