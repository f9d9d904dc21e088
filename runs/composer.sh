#!/usr/bin/env bash
# The composer: masked diffusion over grids of sixteenths, learnt from data/songs.
#
# Needs   runs/corpus.sh, and pip install -e '.[train]' (see CONTRIBUTING.md about PyTorch without CUDA)
# Time    $MINUTES of all cores, 120 unless set. It stops well at any moment: the state is saved every four minutes
#         and on Ctrl-C, and the same command goes on from there. More minutes and more cores make better weights; a
#         CUDA device is used where there is one.
# Result  noisician/weights/composer.onnx with its entry in manifest.json, checked against PyTorch; the log of losses
#         in data/runs/composer/log.jsonl. What the shipped weights reach is in docs/models.md.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
run="${RUN:-data/runs/composer}"
version="${VERSION:-$("$python" -c 'import noisician; print(noisician.__version__)')}"

"$python" -m noisician train composer --minutes "${MINUTES:-120}" --data data/songs --run "$run" \
    ${THREADS:+--threads "$THREADS"} ${START_FROM:+--start-from "$START_FROM"}
"$python" -m noisician train export composer "$run/composer.safetensors" --version "$version"
