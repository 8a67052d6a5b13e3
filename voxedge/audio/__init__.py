"""One long-lived output stream, devices by card id, fades, limiter, resampling, files."""
