"""Diffusion as mathematics: samplers, schedules, guidance, noise, windows and unmasking. No music in here."""
