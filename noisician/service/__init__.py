"""The HTTP service behind the studio: durable jobs, a library of takes, workers that keep the models loaded."""
