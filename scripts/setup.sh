# Sourced by scripts/demo and scripts/test: everything a fresh machine needs, each step done once.
#
#   need_packages PACKAGE...       Debian packages; says which are missing, installs only those
#   need_environment LOCK          .venv from a hash-checked lock file in scripts/locks
#   need_models                    the voice and the second reader of numbers, verified
#
# Nothing here touches the network when everything is in place already.

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "This step needs root and there is no sudo. As root, run: $*"
    fi
}

need_packages() {
    command -v dpkg-query >/dev/null || {
        say "This is not a Debian system: install the counterparts of these packages yourself: $*"
        return 0
    }
    local missing=() package
    for package in "$@"; do
        # An alternative (a|b) is satisfied by either; the first one is installed.
        local found= name
        for name in ${package//|/ }; do
            if dpkg-query -W -f='${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed; then
                found=1
            fi
        done
        [ -n "$found" ] || missing+=("${package%%|*}")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    say "Installing system packages: ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

python_for_environment() {
    local python
    for python in "${VOXEDGE_PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$python"
            return 0
        fi
    done
    return 1
}

need_environment() {
    local lock=scripts/locks/$1.txt stamp=.venv/.stamp-$1 wanted python
    wanted=$(cat "$lock" pyproject.toml | sha256sum | cut -d' ' -f1)
    if [ -x .venv/bin/voxedge ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted $PWD" ]; then
        return 0
    fi
    if ! python=$(python_for_environment); then
        need_packages python3 python3-venv
        python=$(python_for_environment) || fail "Python 3.11 or newer with venv is needed; found: $(python3 --version 2>&1)"
    fi
    say "Making the environment in .venv ($("$python" --version), packages from $lock)"
    # --upgrade-deps would ask the network for pip itself; the bundled one serves.
    [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null || "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --disable-pip-version-check --require-hashes -r "$lock" >&2 2>&1 |
        { grep -vE '^(Requirement already|Looking in|Collecting|  Using cached)' || true; }
    .venv/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e . >&2
    printf '%s %s\n' "$wanted" "$PWD" > "$stamp"
}

need_models() {
    local check
    for check in "natural voice" "second reader"; do
        .venv/bin/voxedge doctor --check "$check" >/dev/null 2>&1 || {
            .venv/bin/voxedge models fetch >&2
            return
        }
    done
}
