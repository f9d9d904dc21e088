#!/usr/bin/env bash
# The word vectors with which the prompt understands words the lexicon does not list.
#
# Needs   pip install -e '.[train]'
#         apt-get install wamerican-small wbritish-small wamerican        (word lists)
#         TRANSFORMER, a folder with model.safetensors, config.json and tokenizer.json of
#         sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0); fetched if unset (90 MB)
# Time    under two minutes on one core
# Result  noisician/weights/text/vectors.npz and tokenizer.json, about 6 MB
set -euo pipefail
cd "$(dirname "$0")/.."

lists="${WORD_LISTS:-/usr/share/dict}"
transformer="${TRANSFORMER:-data/all-MiniLM-L6-v2}"

if [ ! -d "$transformer" ]; then
    mkdir -p "$transformer.part"
    for file in model.safetensors config.json tokenizer.json; do
        curl --fail --location --silent --show-error --output "$transformer.part/$file" \
            "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main/$file"
    done
    mv "$transformer.part" "$transformer"
fi

"${PYTHON:-python3}" -m noisician.training.text_vectors \
    --transformer "$transformer" \
    --words "$lists/american-english-small" "$lists/british-english-small" \
    --known "$lists/american-english" \
    --out noisician/weights/text
