"""What the console adds to the words of the verbs: what each takes, what to do when refused."""

from tidegate.uplink.commands import BAD_ARGUMENT, NOT_KEPT, NOT_POSSIBLE

# Verbs that have no row of their own in `commands.TABLE`: argument, help.
VERBS = {
    "again": ("", "send everything unconfirmed once more"),
    "health": ("[errors]", "counters over all boots; errors: the last crash"),
    "observation": ("ID", "policy of an id, and what was not reported of it"),
    "policy": ("ID NAME VALUE ..|ID default", "another policy, from the next sample on"),
    "reconnect": ("", "end the session and come back"),
    "snapshot": ("", "send the live picture"),
    "trail": ("", "the last events"),
}
OTHER = ("..", "as over MQTT, see SPEC section 8")

# Refusals of verbs, and what a technician does about them.
REMEDIES = {
    BAD_ARGUMENT: "`help %s` says what it takes",
    NOT_POSSIBLE: "not now, or not with this configuration: look at `link` before `%s`",
    NOT_KEPT: "the flash did not take it: look at `selftest`, then type `%s` again",
}


def remedied(name, error):
    """An error of a command with what to do about it, where the verb itself does not say."""
    remedy = REMEDIES.get(error)
    return error if remedy is None else "%s: %s" % (error, remedy % name)
