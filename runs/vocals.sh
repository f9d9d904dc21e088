#!/usr/bin/env bash
# The singing voice: synthetic singers from free speech synthesisers, then flow matching over their features.
#
# Needs   pip install -e '.[train]' && pip install pyworld-prebuilt ttspico pocketsphinx
#         apt-get install flite festival festvox-kdlpc16k festvox-us-slt-hts
# Time    a shard (30 minutes of singing) about a minute on one idle core, then $MINUTES of all cores for the network,
#         90 unless set. Both stop well at any moment and go on from there with the same command; a CUDA device is
#         used for training where there is one.
# Disk    30 MB a shard
# Result  data/vocals; noisician/weights/vocals.onnx with its entry in manifest.json, checked against PyTorch; the log
#         of losses in data/runs/vocals/log.jsonl
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
run="${RUN:-data/runs/vocals}"
version="${VERSION:-$("$python" -c 'import noisician; print(noisician.__version__)')}"

OMP_NUM_THREADS=1 "$python" -m noisician corpus vocals --out data/vocals --shards "${SHARDS:-16}" \
    --workers "${WORKERS:-$(nproc)}"
"$python" -m noisician train vocals --minutes "${MINUTES:-90}" --data data/vocals --run "$run" \
    ${THREADS:+--threads "$THREADS"} ${START_FROM:+--start-from "$START_FROM"}
"$python" -m noisician train export vocals "$run/vocals.safetensors" --version "$version"
