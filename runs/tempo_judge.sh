#!/usr/bin/env bash
# The metrical level of the evaluation's tempo judge, fitted on procedural songs that a soundfont plays.
#
# Needs   pip install -e '.[evaluate]' && pip install --no-deps tinysoundfont
#         apt-get install fluidr3mono-gm-soundfont
#         SAMPLES_DIR, a folder of the CC0 samples (runs/corpus.sh fetches them into data/samples)
# Time    about five minutes of one core
# Result  noisician/evaluate/metrical_level.json; prints how often the judge is right, on genres it was fitted on and
#         on others
set -euo pipefail
cd "$(dirname "$0")/.."

"${PYTHON:-python3}" -m noisician.evaluate.calibration --songs "${SONGS:-7}" --samples "${SAMPLES_DIR:-data/samples}"
