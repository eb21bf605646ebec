"""`tidegate bench storm`: the figures of `tidegate storm --suite` beside the others."""

from tidegate_tools import paths
from tidegate_tools.bench import Figure


def run(note):
    """The figures of the reconnect policy. Argument: note, told each step."""
    paths.use_device_modules()
    from tidegate_tools.storm_suite import Suite

    return [Figure(**figure) for figure in Suite(note=note).run()]
