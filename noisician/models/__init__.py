"""Everything that makes music, behind one protocol: the embedded model, open checkpoints, and a guided pair of both."""
