#!/usr/bin/env bash
# usage: venv.sh FOLDER REQUIREMENTS: a virtual environment with the packages of the test tools.
set -euo pipefail

"$(dirname "$0")/toolchain.sh"
python3 -m venv "$1"
"$1/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$2"
touch "$1/bin/python"
