"""The worker processes: who claims jobs and makes them, and who watches them."""
