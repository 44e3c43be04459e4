"""Speed and quality: figures are printed, time is never asserted on."""
