#!/usr/bin/env bash
# The renderer: rectified flow over mel spectrograms, learnt from data/sound.
#
# Needs   runs/corpus.sh, and pip install -e '.[train]' (see CONTRIBUTING.md about PyTorch without CUDA)
# Time    $MINUTES of all cores, 300 unless set. It stops well at any moment: the state is saved every four minutes
#         and on Ctrl-C, and the same command goes on from there. More minutes and more cores make better weights; a
#         CUDA device is used where there is one.
# Result  noisician/weights/renderer.onnx with its entry in manifest.json, checked against PyTorch; the log of losses
#         in data/runs/renderer/log.jsonl. What the shipped weights reach is in docs/models.md.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
run="${RUN:-data/runs/renderer}"
version="${VERSION:-$("$python" -c 'import noisician; print(noisician.__version__)')}"

"$python" -m noisician train renderer --minutes "${MINUTES:-300}" --data data/sound --run "$run" \
    ${THREADS:+--threads "$THREADS"} ${START_FROM:+--start-from "$START_FROM"}
"$python" -m noisician train export renderer "$run/renderer.safetensors" --version "$version"
