#!/bin/sh
# Makes sure there is a mosquitto broker for the interop tests; never starts it as a service.
# Exit status 0 if there is one in the end, else 1 after a line that says what to type.
set -eu

PATH=$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin

if command -v mosquitto >/dev/null 2>&1; then
    echo "mosquitto: $(command -v mosquitto)"
    exit 0
fi

if command -v apt-get >/dev/null 2>&1; then install="apt-get install -y mosquitto"
elif command -v dnf >/dev/null 2>&1; then install="dnf install -y mosquitto"
elif command -v apk >/dev/null 2>&1; then install="apk add mosquitto"
elif command -v pacman >/dev/null 2>&1; then install="pacman -S --noconfirm mosquitto"
elif command -v brew >/dev/null 2>&1; then install="brew install mosquitto"
else
    echo "mosquitto: no package manager known here; install it by hand and put it on PATH" >&2
    exit 1
fi

if [ "${install%% *}" = brew ]; then
    $install
elif [ "$(id -u)" -ne 0 ]; then
    echo "mosquitto: not installed; type: sudo $install" >&2
    exit 1
elif [ "${install%% *}" = apt-get ]; then
    # Debian's packages start their service on installation unless this file refuses.
    refusal=/usr/sbin/policy-rc.d
    if [ ! -e "$refusal" ]; then
        trap 'rm -f "$refusal"' EXIT
        printf '#!/bin/sh\nexit 101\n' > "$refusal"
        chmod +x "$refusal"
    fi
    apt-get update
    DEBIAN_FRONTEND=noninteractive $install
else
    $install
fi

command -v mosquitto >/dev/null 2>&1 || {
    echo "mosquitto: $install ended, but there is still none on PATH" >&2
    exit 1
}
