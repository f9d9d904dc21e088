"""The singing corpus: synthetic speakers, re-timed and re-pitched to sung phrases, as features with their controls."""
