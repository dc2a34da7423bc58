"""The errors that a user meets. Each message names the place and the cure.

Rooms raise these or their own subclasses; the command line prints them without a traceback. What is a fault of
our own code is left to Python's exceptions.
"""

from __future__ import annotations


class StrataError(Exception):
    """Something the user can mend: settings, sources, a held warehouse."""


class SettingsError(StrataError):
    """A file under config/ or an environment variable says something that cannot be."""
