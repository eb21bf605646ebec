"""The exception types of the host program. Each text is one line that says what to do next."""


class ToolError(Exception):
    """What a user can put right: a wrong option, a missing file, a busy port."""


class DecodeError(ToolError):
    """A message that breaks SPEC sections 3 to 5; nothing of it is used."""


class JournalError(ToolError):
    """A source's journal that cannot be trusted; the text names the line."""


class StoreError(ToolError):
    """A sink's database that cannot be opened or written."""


class ProcessError(ToolError):
    """A child process that did not start, or that ended by itself."""
