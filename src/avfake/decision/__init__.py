"""What a score means: the threshold, the calibration and the false alarms that validation showed."""
