#!/usr/bin/env bash
# The training corpus: sound clips for renderer and vocoder, songs for the composer. Everything follows from seeds.
#
# Needs   pip install -e . && pip install --no-deps tinysoundfont
#         apt-get install fluid-soundfont-gm fluidr3mono-gm-soundfont     (about 150 MB)
# Time    a shard (625 clips, 2.1 hours of sound) one and a half to two minutes on one core,
#         a pack (2,100 songs) about two minutes
# Disk    0.8 GB a shard, 4 MB a pack
# Result  data/sound, data/songs; what is there already is left alone
#
# SAMPLES_DIR and SCORES_DIR may point to copies of the CC0 samples and scores; otherwise they are fetched.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
samples="${SAMPLES_DIR:-data/samples}"
scores="${SCORES_DIR:-data/scores}"
workers="${WORKERS:-$(nproc)}"

# fetch REPOSITORY FOLDER TARGET PATTERN: the files of a public repository that match, in one flat folder.
fetch() {
    local copy
    copy="$(mktemp -d)"
    git clone --quiet --depth 1 --filter=blob:none --sparse "https://github.com/$1" "$copy"
    git -C "$copy" sparse-checkout set "$2"
    mkdir -p "$3"
    find "$copy/$2" -name "$4" -exec cp {} "$3/" \;
    rm -rf "$copy"
}

[ -d "$samples" ] || fetch sonic-pi-net/sonic-pi etc/samples "$samples" '*.flac'
[ -d "$scores/lieder" ] || fetch OpenScore/Lieder scores "$scores/lieder" '*.mxl'
[ -d "$scores/quartets" ] || fetch OpenScore/StringQuartets scores "$scores/quartets" '*.mxl'

"$python" -m noisician corpus sound --out data/sound --shards "${SHARDS:-6}" --samples "$samples" --workers "$workers"
"$python" -m noisician corpus songs --out data/songs --packs "${PACKS:-6}" --scores "$scores" --workers "$workers"
"$python" -m noisician corpus manifest --out data/manifest.json
