#!/usr/bin/env bash
# How words are set to notes: counts over the English songs of the Lieder corpus, nine in ten.
#
# Needs   pip install -e '.'; SCORES_DIR, a folder of the CC0 scores (runs/corpus.sh fetches them into data/scores)
# Time    about a minute on one core
# Result  noisician/vocals/setting.json; prints how people do on the songs held out
set -euo pipefail
cd "$(dirname "$0")/.."

"${PYTHON:-python3}" -m noisician.corpus.lieder "${SCORES_DIR:-data/scores}" --out noisician/vocals/setting.json
