"""Measuring what was made: pure functions over arrays, a report, and nothing that needs a pretrained network.

Every metric module follows one pattern: conventions (shapes, units) in the module's docstring, input checked
with an error that names the likely cause, then the metric. Judges (``noisician.analysis``, and those that need
librosa: ``estimated_tempo_bpm``, ``tracked_pitch_hz``) hear the audio alone; they are never told what was asked for,
except that a pitch tracker is given the compass of its part.
"""
