"""What the set-up runs: pip and a MicroPython, with their failures told in one line.

Only the standard library, and only syntax that an old Python can read, as in
`setup_environment.py`.
"""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MICROPYTHON_MIN = (1, 25)
AGAIN = "look at the network or the proxy, then run `make setup` again"


class SetupError(Exception):
    """Why the set-up cannot go on, in one line that says what to do next."""


def path(name):
    """The absolute path of `name`, which is given relative to the checkout."""
    return os.path.join(ROOT, *name.split("/"))


def run(command, told=None):
    """Runs `command` and keeps its output in `.build/setup.log` too.

    Arguments: told, called with each line. Result: exit status and the whole output.
    """
    environment = dict(os.environ, PIP_USER="0", PIP_NO_INPUT="1", PYTHONUNBUFFERED="1")
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONHOME"):
        environment.pop(name, None)
    lines = []
    with open(path(".build/setup.log"), "a") as log:
        log.write("$ {}\n".format(" ".join(command)))
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
        )
        try:
            for line in child.stdout:
                log.write(line)
                lines.append(line)
                if told:
                    told(line)
            return child.wait(), "".join(lines)
        finally:
            # Interrupted: from a terminal the child was too, and tidies up after itself.
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.terminate()
                child.wait()


def pip_failure(output):
    """What pip could not do, in one line, from what it printed."""
    unmatched = re.search(r"No matching distribution found for (\S+)", output)
    if unmatched:
        name = unmatched.group(1).rstrip(";")
        if re.search(r"connection broken|Failed to establish|ProxyError", output):
            return "could not get {}: the package index is out of reach; {}".format(name, AGAIN)
        reason = "the package index has no wheel of it for Python {}.{} here"
        return "could not get {}: ".format(name) + reason.format(*sys.version_info[:2])
    mismatch = re.search(r"DO NOT MATCH THE HASHES.*?\n\s+(\S+)", output, re.DOTALL)
    if mismatch:
        return "what came for {} is not what requirements.lock names".format(mismatch.group(1))
    collecting = re.findall(r"^Collecting (\S+)", output, re.MULTILINE)
    errors = re.findall(r"^(?:ERROR|error): (.*)", output, re.MULTILINE)
    what = "could not get {}: ".format(collecting[-1]) if collecting else ""
    return what + (errors[-1][:200] if errors else "pip ended without a word")


def pip_install(what, arguments):
    """Runs pip in the virtual environment; shows a count on a terminal. Errors: SetupError."""
    count = [0]

    def told(line):
        if sys.stdout.isatty() and line.startswith("Collecting "):
            count[0] += 1
            print("\r        {} packages".format(count[0]), end="", flush=True)

    command = [path(".venv/bin/python"), "-m", "pip", "install", "--retries", "3"]
    status, output = run(command + ["--disable-pip-version-check"] + arguments, told)
    if count[0]:
        print("\r" + " " * 30, end="\r", flush=True)
    if status:
        raise SetupError("{}: {}".format(what, pip_failure(output)))


def micropython_version(program):
    """(major, minor) of a MicroPython; (0, 0) if it is none."""
    code = "import sys; print(sys.implementation.name, *sys.implementation.version[:2])"
    try:
        answer = subprocess.run(
            [program, "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=20,
        ).stdout.split()
        return (int(answer[1]), int(answer[2])) if answer[0] == b"micropython" else (0, 0)
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return (0, 0)


def find_micropython():
    """The MicroPython to use: one on PATH if new enough, else the wheel's. Errors: SetupError."""
    own = path(".venv/bin/micropython")
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        program = os.path.abspath(os.path.join(folder, "micropython"))
        if folder and program != own and os.access(program, os.X_OK):
            if micropython_version(program) >= MICROPYTHON_MIN:
                return program
    if micropython_version(own) < MICROPYTHON_MIN:
        raise SetupError(
            "there is no MicroPython wheel for this platform: put a `micropython` of at least "
            "{}.{} on PATH, then run `make setup` again".format(*MICROPYTHON_MIN)
        )
    return own
