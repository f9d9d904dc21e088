#!/usr/bin/env bash
# The renderer: rectified flow over mel spectrograms, given sketches from references, learnt from data/sketched.
#
# Needs   pip install -e '.[train]' && pip install --no-deps tinysoundfont
#         apt-get install fluid-soundfont-gm fluidr3mono-gm-soundfont     (about 150 MB)
#         SAMPLES_DIR and RECORDINGS_DIR: copies of the CC0 samples and of the recorded instruments
# Time    a shard (100 clips, 20 minutes of sound) one to three minutes on one core, most of it spent on recording the
#         references of players that have none yet; then $MINUTES of all cores, 300 unless set. It stops well at any
#         moment: the state is saved every four minutes and on Ctrl-C, and the same command goes on from there.
# Disk    55 MB a shard
# Result  noisician/weights/renderer.onnx and noisician/weights/references with their entries in manifest.json, checked
#         against PyTorch; the log of losses in $RUN. How far it is from what it should be is printed before, beside the
#         renderer that shipped until then.
#
# A new run begins with what the shipped renderer knows; START_FROM names another checkpoint, such as an averaged state
# of an earlier run.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
run="${RUN:-data/runs/renderer}"
version="${VERSION:-$("$python" -c 'import noisician; print(noisician.__version__)')}"
workers="${WORKERS:-$(nproc)}"
sources=(${SAMPLES_DIR:+--samples "$SAMPLES_DIR"} ${RECORDINGS_DIR:+--recordings "$RECORDINGS_DIR"})

"$python" -m noisician corpus sketched --out data/sketched --shards "${SHARDS:-40}" --clips 100 \
    --workers "$workers" "${sources[@]}"
"$python" -m noisician train renderer --minutes "${MINUTES:-300}" --data data/sketched --run "$run" \
    --start-from "${START_FROM:-noisician/weights/renderer.onnx}" ${THREADS:+--threads "$THREADS"}
"$python" -m noisician train judge "$run/renderer.safetensors" \
    ${RECORDINGS_DIR:+--recordings "$RECORDINGS_DIR"} ${THREADS:+--threads "$THREADS"}
"$python" -m noisician train export renderer "$run/renderer.safetensors" --version "$version"
"$python" -m noisician corpus references --version "$version" --workers "$workers" "${sources[@]}"
