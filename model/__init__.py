"""What a patient, a fitted model and a prediction are. Numpy and the standard library only."""
