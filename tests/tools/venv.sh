#!/usr/bin/env bash
# usage: venv.sh FOLDER REQUIREMENTS: makes a virtual environment with these packages.
set -euo pipefail

"$(dirname "$0")/toolchain.sh"
python3 -m venv "$1"
"$1/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$2"
touch "$1/bin/python"
