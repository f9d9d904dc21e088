"""Singing: syllables on notes become phone times and frames of control; frames become features, features sound."""
