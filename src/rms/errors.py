"""The one exception a user is meant to read."""


class RmsError(Exception):
    """Something the user can mend: says in one line what is wrong, where, and what to do.

    The command line prints it without a traceback and exits with status 1.
    """


def one_line(text: object) -> str:
    """`text` folded to a single line, for messages built from other libraries' errors."""
    return " ".join(str(text).split())
