"""docs/console.md, out of the tables of the device: `python -m tidegate_tools.console_docs`."""

from tidegate_tools import paths

paths.use_device_modules()

from tidegate.console import commands, usage, verdict  # noqa: E402
from tidegate.link import causes  # noqa: E402

# Members of `result` with --json. Of verbs that others answer: see SPEC section 8.
KEYS = {
    "status": "`backlog` (as `logs` of `backlog`), `board`, `boot`, `charger`, `clock`, `device`, "
              "`interpreter`, `level`, `link`, `spool`, `up_s`, `verdict` (`key`, `text`, "
              "`next`), `version`, `warnings`",
    "obs": "`observations`: a list of `id`, `name`, `seq`, `unit`, `value` (a text, null before "
           "the first); of one that was asked for also `policy`, `not_reported`",
    "backlog": "`ceiling_obs_per_s`, `logs` (`telemetry`, `records`: `age_s`, `bytes`, `count`, "
               "`drain_s`, `next_seq`, `rate`, `stored`), `rate_obs_per_s`",
    "link": "those of the verb `link`; `trace`: `lines`; `now`: `in_ms`",
    "wifi": "`cause` (null: none), `joined` and `lost` (how often), `known`, `network` and "
            "`rssi_dbm` (null: not up), `state`; `scan`: `networks`, the strongest first, each "
            "`channel`, `name`, `rssi_dbm`; `join`: `joining`, `next`",
    "ping": "`echo_age_s`, `mqtt_ms`, `phases_ms`",
    "errors": "`dropped_lines`, `full`, `fused`, `lines`, `messages_oversized`, "
              "`messages_refused`, `refused`, `repeated`, `turns_failed`; `health` where the "
              "verb is there",
    "log": "`level`, `lines`",
    "time": "those of the verb `time`",
    "config": "those of the verb `config`",
    "selftest": "`parts`: `clock`, `flash`, `heap`, `link`, `source`, `spool`, each `figure` and "
                "`result` (`pass` or `FAIL`)",
    "report": "a line for each of `version`, `status`, `selftest`, `backlog`, `errors`, `link`, "
              "`wifi`, `config`, `obs`, `log`, as far as they are there",
    "export": "none: lines of SPEC section 11",
    "failover": "`for_s`",
    "reboot": "`in_ms`",
    "factory-reset": "`in_ms`",
    "unlock": "`level`",
    "lock": "`level`",
    "version": "`board`, `interpreter`, `version`",
    "help": "`commands`; of one `argument`, `command`, `help`, `level`",
}
_HEAD = """\
# The console

Written by `python -m tidegate_tools.console_docs` from the tables of the device; a test compares.

115,200 baud, 8N1, any terminal program; `tidegate console PORT` is one with colours, transcript
and scripts. Enter shows the prompt. Backspace, Ctrl-U (empty the line), Ctrl-C (give it up, or
end a reply) and the arrow keys up and down work where the terminal has them. A line over 200
bytes, or with a byte that no key sends, is refused whole. What the device says unasked begins
with `* `, a refusal with `! `. A line that begins with a space, a digit or one of `*!#{` is
taken for what the console itself said, come back: nothing happens.

Each command takes `--json` and then answers in one line,
`{"command":..,"ok":true,"result":{..}}` or `{"command":..,"error":"..","ok":false}`, members in
the order of their names. `tech` needs `unlock` and the device's PIN; it ends with `lock`, or 10
minutes after the last key. After three wrong PINs each costs 5 s, 10 s, 20 s and so on up to an
hour, also over a reboot. Commands marked *asks* want the last four characters of the device id,
in answer to their question or as `--confirm 0001`. A command whose verb or part a device does not
have is not there. Beside these every verb of SPEC section 8 is a command.

| command | level | does | members of `result` |
|---|---|---|---|
"""
_WIFI = """
## Wi-Fi

`wifi scan` stops the agent for up to 4 s and may drop the link; nothing that was recorded is lost.
In a name a byte that no key types is written `\\xNN`, and `wifi join` takes it so.

`wifi join NAME` asks for the password, which is not shown, keeps both on flash and tries the
network at once. The last 4 are kept, of long ones fewer. Those known before are tried behind it,
the factory's last: a wrong password costs a few seconds and does not cut the device off. The one
that last worked stays among them. `factory-reset` forgets them all, `factory-reset keep-net` none.
"""
_VERDICTS = """
## Verdicts

The last line of `status`, and in `verdict` with `--json`. The line above it says what to do next.

| key | it says | what to do next |
|---|---|---|
"""


def document():
    """The whole file."""
    text = _HEAD
    for row in commands.TABLE:
        level = commands.LEVEL_NAMES[row[commands.LEVEL]]
        if row[commands.IS_DESTRUCTIVE]:
            level += ", asks"
        name = " ".join(part for part in (row[commands.NAME], row[commands.ARGUMENT]) if part)
        text += "| `%s` | %s | %s | %s |\n" % (
            name.replace("|", "\\|"), level, row[commands.HELP], KEYS[row[commands.NAME]])
    for name, (argument, said) in usage.VERBS.items():
        text += "| `%s` | as the verb | %s | those of the verb |\n" % (
            " ".join((name, argument)).strip().replace("|", "\\|"), said)
    text += _WIFI + _VERDICTS
    for key, (case, action) in verdict.TABLE.items():
        text += "| `%s` | %s | %s |\n" % (key, case, action)
    for cause in sorted(causes.TABLE):
        text += "| `%s` | NOT SENDING: %s, in phase .. | %s |\n" % (
            cause.replace(" ", "-"), cause, verdict.remedy(cause))
    return text


if __name__ == "__main__":
    print(document(), end="")
