#!/bin/sh
# Installs pluginmgr from these sources into /opt/pluginmgr of a root file system: the Dockerfile's one step, and that of
# whoever makes an image without an engine. Twice from the same sources gives the same bytes.
#
#   deploy/image/install.sh [ROOT]     ROOT: a root file system elsewhere; default: this one
#
# PYTHON (python3) installs; the Python that will run it, INTERPRETER (by default the same one's path) in ROOT, must be of
# the same version. It needs pip and an index; all that it loads is pinned by hash. SOURCE_DATE_EPOCH dates every file.
set -eu
umask 022

root=${1:-}
root=${root%/}
home=/opt/pluginmgr
python=${PYTHON:-python3}
interpreter=${INTERPRETER:-$("$python" -c 'import os, sys; print(os.path.realpath(sys.executable))')}
version=$("$python" -c 'import sys; print("{}.{}".format(*sys.version_info))')
packages=$root$home/lib/python$version/site-packages
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1580601600}
PYTHONHASHSEED=0 # sets end up in bytecode, in the order of their hashes
PIP_DISABLE_PIP_VERSION_CHECK=1
PIP_ROOT_USER_ACTION=ignore
export SOURCE_DATE_EPOCH PYTHONHASHSEED PIP_DISABLE_PIP_VERSION_CHECK PIP_ROOT_USER_ACTION

cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

install() {
  # Without dependencies: a lock has them all, and pip would look for newer ones of those with extras.
  "$python" -m pip install --quiet --no-input --no-compile --no-warn-script-location --no-deps --target "$@"
}

# The wheel.
install "$scratch/build" --require-hashes --only-binary :all: --requirement requirements/build.txt
PYTHONPATH=$scratch/build "$python" -m hatchling build --target wheel --directory "$scratch" > "$scratch/log" 2>&1 ||
  { cat "$scratch/log" >&2; exit 1; }

# What it needs, and itself. Found by its name and not by its path, which would be noted down.
rm -rf "$root$home"
install "$packages" --require-hashes --only-binary :all: --requirement requirements/cluster.txt
rm -rf "$packages/bin" # others' commands, of no use here
install "$packages" --no-index --find-links "$scratch" pluginmgr
rm -rf "$packages/bin"

# A virtual environment, written by hand: its Python may be none that runs here.
mkdir "$root$home/bin"
ln -s "$interpreter" "$root$home/bin/python"
printf 'home = %s\ninclude-system-site-packages = false\nversion = %s\n' "${interpreter%/*}" "$version" > "$root$home/pyvenv.cfg"
cat > "$root$home/bin/pluginmgr" << END
#!$home/bin/python -I
import sys

from controller.cli import main

sys.exit(main())
END
chmod 755 "$root$home/bin/pluginmgr"

# Bytecode, which a read-only file system cannot take later; never compared with its source, so no times are in it.
"$python" -m compileall -q --invalidation-mode unchecked-hash ${root:+-s "$root"} -p / "$packages"
find "$root$home" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
