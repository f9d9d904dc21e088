#!/usr/bin/env bash
# The English dictionary of the lyrics, repacked, and the letter-to-sound model trained on it.
#
# Needs   pip install -e .
#         CMUDICT, a copy of cmudict.dict (https://github.com/cmusphinx/cmudict, BSD); fetched if unset (3.6 MB)
# Time    two minutes on one core
# Result  noisician/lyrics/data/cmudict.gz and letter_to_sound.npz, under 2 MB; prints the accuracy on held-out words
set -euo pipefail
cd "$(dirname "$0")/.."

dictionary="${CMUDICT:-data/cmudict.dict}"

if [ ! -f "$dictionary" ]; then
    mkdir -p "$(dirname "$dictionary")"
    curl --fail --location --silent --show-error --output "$dictionary.part" \
        "https://raw.githubusercontent.com/cmusphinx/cmudict/master/cmudict.dict"
    mv "$dictionary.part" "$dictionary"
fi

"${PYTHON:-python3}" -m noisician.training.letter_to_sound --cmudict "$dictionary" --out noisician/lyrics/data
