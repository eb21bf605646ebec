"""probe_main with tokens that live 100 s in place of a day."""

from tidegate.link import profiles

profiles.SAS_LIFE_S = 100

import probe_main  # noqa: E402, F401
