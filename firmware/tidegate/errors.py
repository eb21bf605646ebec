"""The few exception types of the agent. Expected conditions are return values instead."""


class TidegateError(Exception):
    """Root of all: its text says what is wrong and what to do next."""


class ConfigurationError(TidegateError):
    """A key that is unknown, or a value that is out of its bounds; nothing was applied."""


class CatalogueError(TidegateError):
    """A row of the catalogue that contradicts itself or another row."""


class SourceError(TidegateError):
    """A source that cannot be read: the text names the file, the line and the column."""


class FlashError(TidegateError):
    """The medium refused: misaligned, outside, or a program that would set bits."""


class SpoolError(TidegateError):
    """The spool cannot be used as it is: foreign, newer, or too small."""


class LinkError(TidegateError):
    """The peer broke the protocol, or a phase overran its budget.

    Arguments: cause, one of the words in `link.causes`, and a text.
    """

    def __init__(self, cause, text=""):
        super().__init__(cause, text)
        self.cause = cause
